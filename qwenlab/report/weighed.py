"""Two result files weighed: the figures of an evaluation, from scores that somebody else gave."""

from typing import Literal

from qwenlab.evaluation.outcomes.pairs import Pairs, pair
from qwenlab.evaluation.outcomes.scores import Scored
from qwenlab.report.sentences import sentence
from qwenlab.stats.paired import compare, compare_scores
from qwenlab.stats.power import detectable_difference, smallest_detectable_gain
from qwenlab.stats.types import (
    NOISE_OF_FLOATS,
    Comparison,
    DetectableDifference,
    DetectableGain,
    Figures,
    ScoreComparison,
)


class WeighedFile(Figures):
    """One side of the comparison."""

    path: str
    kind: str
    """lm-eval, inspect, qwenlab or table."""
    task: str
    """Empty: the file does not say."""
    score: str
    items: int


class Weighed(Figures):
    """What `qwenlab weigh` found, as --report writes it."""

    version: Literal[1] = 1
    sentence: str
    """The answer."""
    base: WeighedFile
    tuned: WeighedFile
    comparison: Comparison | ScoreComparison
    """Of right and wrong, or of scores where an item can have a part of one."""
    detectable: DetectableGain | DetectableDifference
    gained: tuple[str, ...]
    """Items that only the second got right, or whose score rose."""
    lost: tuple[str, ...]
    base_alone: tuple[str, ...]
    """Items that the second file does not have."""
    tuned_alone: tuple[str, ...]
    without_score: tuple[str, ...]
    """Items that have no score on one side: left out."""
    notes: tuple[str, ...]
    """What a reader of the answer has to know."""


def weighed(base: Scored, tuned: Scored) -> Weighed:
    """Compare the items that both sides have.

    Raises:
        UserError: the sides are of different tasks, or share no item.
    """
    pairs = pair(base, tuned)
    scored = [
        (name, before, after)
        for name, before, after in zip(pairs.items, pairs.before, pairs.after, strict=True)
        if before is not None and after is not None
    ]
    comparison, detectable = _figures(pairs, [after - before for _, before, after in scored])
    return Weighed(
        sentence=sentence(comparison),
        base=_file(base),
        tuned=_file(tuned),
        comparison=comparison,
        detectable=detectable,
        gained=tuple(name for name, before, after in scored if after - before > NOISE_OF_FLOATS),
        lost=tuple(name for name, before, after in scored if before - after > NOISE_OF_FLOATS),
        base_alone=pairs.base_alone,
        tuned_alone=pairs.tuned_alone,
        without_score=tuple(
            name for name, *values in zip(pairs.items, pairs.before, pairs.after, strict=True) if None in values
        ),
        notes=(*dict.fromkeys((*base.file.notes, *tuned.file.notes)), *_warnings(pairs)),
    )


def _figures(
    pairs: Pairs, differences: list[float]
) -> tuple[Comparison | ScoreComparison, DetectableGain | DetectableDifference]:
    """McNemar's where every item has one answer, which is right or wrong."""
    if not pairs.repeated and {*pairs.before, *pairs.after} <= {0, 1, None}:
        before, after = ([None if one is None else bool(one) for one in side] for side in (pairs.before, pairs.after))
        return compare(before, after), smallest_detectable_gain(len(differences))
    return compare_scores(pairs.before, pairs.after), detectable_difference(differences)


def _file(scored: Scored) -> WeighedFile:
    file = scored.file
    return WeighedFile(
        path=str(file.path),
        kind=file.kind,
        task=file.task,
        score=scored.score,
        items=len({(row.item, row.content) for row in file.rows}),
    )


def _warnings(pairs: Pairs) -> list[str]:
    told = []
    if pairs.same_answers:
        told.append(
            f"All {len(pairs.items)} answers are the same, letter for letter. Was the tuned model asked at all? The "
            "usual cause is a server that ignores the adapter, or a wrong model name."
        )
    if pairs.other_prompts:
        told.append(
            f"{pairs.other_prompts} of {len(pairs.items)} items were asked in other words of the two models (another "
            "chat template, system prompt or number of examples): the difference is of both, model and prompt."
        )
    if pairs.changed:
        items = "1 item has" if len(pairs.changed) == 1 else f"{len(pairs.changed)} items have"
        told.append(f"{items} the same name in both files and another content: left out, being different items.")
    return told
