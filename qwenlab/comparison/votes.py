"""The user's own blind choices between a run and its base, as pairs that a judge model can be asked about too."""

from typing import NamedTuple

from qwenlab.answering.answerer import BASE
from qwenlab.evaluation.preference.pairs import Pair
from qwenlab.runs import Run
from qwenlab.runs.comparisons import list_comparisons
from qwenlab.stats.preference import Choice


class Vote(NamedTuple):
    """What somebody chose who did not know whose answer was whose."""

    pair: Pair
    choice: Choice


def blind_votes(run: Run) -> list[Vote]:
    """Those between this run and its base alone, oldest first; what was not decided is no vote."""
    found = []
    for comparison in list_comparisons(run):
        answers = {column.model: column.text for column in comparison.columns}
        if not comparison.blind or comparison.choice is None or answers.keys() != {BASE, run.name}:
            continue
        choices: dict[str, Choice] = {run.name: "tuned", BASE: "base", "": "tie"}
        pair = Pair(comparison.name, comparison.messages, answers[BASE], answers[run.name])
        found.append(Vote(pair, choices[comparison.choice]))
    return found
