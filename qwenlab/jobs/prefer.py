"""Asking a judge model as a job: which answers it prefers, and whether its user's blind votes say the same."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from qwenlab.answering.answerer import Answerer
from qwenlab.comparison.votes import blind_votes
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Item
from qwenlab.evaluation.preference.opinions import Judge, opinions
from qwenlab.evaluation.preference.pairs import Pair, is_free_text, pairs
from qwenlab.evaluation.preference.prompt import prompt_sha256
from qwenlab.evaluation.samples import Sample
from qwenlab.files import read_lines
from qwenlab.report.preference import Opinion, Preferred, SuitePreference, in_words
from qwenlab.runs import Evaluation, Run, find_run, list_evaluations
from qwenlab.runs.comparisons import list_comparisons
from qwenlab.runs.output import Output
from qwenlab.runs.progress import Progress
from qwenlab.stats.preference import Outcome, agreement, preference
from qwenlab.text import time_left

__all__ = ["find_run", "prefer"]


def prefer(run: Run, url: str, model: str | None = None, *, suite: str | None = None, limit: int = 0) -> Preferred:
    """Ask a judge model about the answers of the newest evaluation, and about the pairs of the run's blind votes.

    What it said is kept in the run's folder and not asked again, so a job that was cut short goes on where it was. The
    result is printed, and written as preference.json into the evaluation's folder, or into the run's where there are
    votes alone.

    Args:
        url: address of an OpenAI-compatible server; its key is taken from OPENAI_API_KEY.
        model: which of its models; None: the only one.
        suite: judge this suite's answers; None: the free text of all suites, which nothing else can score.
        limit: only the first pairs of each suite; 0: all.

    Raises:
        UserError: there is nothing to judge, the server cannot be asked, or another process is at it.
    """
    evaluation, answered = _answered(run, suite, limit)
    votes = blind_votes(run)
    if not answered and not votes:
        raise UserError(
            f"{run.name} has no answers {f'to {suite}' if suite else 'in free text'} and no blind votes to judge.",
            f"Have answers generated: python -m qwenlab.evaluate {run.name} --suite held_out --answers\n"
            f"Or vote: python -m qwenlab.compare {run.name} --held-out 20 --blind\n"
            "Or name a suite whose answers are there: --suite NAME",
        )
    output = Output()
    with _alone(run), _judge(url, model) as (judge, server):
        said = {name: _ask(f"{name}: replies", found, judge, run, output) for name, found in answered.items()}
        of_votes = _ask("blind votes: replies", [vote.pair for vote in votes], judge, run, output)
        preferred = Preferred(
            run=run.name,
            evaluation=evaluation.name if evaluation else None,
            judge=judge.model,
            server=server,
            prompt_sha256=prompt_sha256(),
            suites={name: _suite(found, said[name]) for name, found in answered.items()},
            agreement=agreement([vote.choice for vote in votes], of_votes) if votes else None,
            notes=tuple(_notes(judge, run, evaluation, [*said.values(), of_votes])),
        )
    file = (evaluation or run).folder / "preference.json"
    preferred.write(file)
    for line in in_words(preferred):
        output.say(line)
    output.say(f"written to {file}")
    return preferred


def _answered(run: Run, suite: str | None, limit: int) -> tuple[Evaluation | None, dict[str, list[Pair]]]:
    """The pairs of each suite in the newest evaluation that has any, and that evaluation."""
    for evaluation in reversed(list_evaluations(run)):
        found = {}
        for name in sorted(folder.name for folder in (evaluation.folder / "suites").glob("*")):
            if suite not in (None, name):
                continue
            files = evaluation.suite(name)
            items = [item for item in read_lines(files.items_file, Item) if suite or is_free_text(item)]
            if both := list(pairs(items, read_lines(files.samples_file, Sample))):
                found[name] = both[: limit or None]
        if found:
            return evaluation, found
    return None, {}


@contextlib.contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Two at once would ask everything twice."""
    try:
        with FileLock(run.folder / ".prefer.lock", timeout=0):
            yield
    except Timeout:
        raise UserError(f"A judge model is being asked about {run.name} already.", "Wait for it.") from None


@contextlib.contextmanager
def _judge(url: str, model: str | None) -> Iterator[tuple[Judge, str]]:
    """The model that is asked, and its server's address."""
    from qwenlab.answering.remote import remote_answerer  # the client takes half a second to import

    with remote_answerer(url) as answerer:
        yield Judge(answerer, _model(answerer, answerer.url, model)), answerer.url


def _model(answerer: Answerer, server: str, wanted: str | None) -> str:
    offered = list(answerer.names)
    if wanted is None and len(offered) == 1:
        return offered[0]
    if wanted in offered:
        return str(wanted)
    hint = f"It has: {', '.join(offered)}." if offered else "It has none."
    if wanted is None:
        raise UserError(f"{server} has {len(offered)} models, and one is to judge.", f"{hint} Name it: --judge-model")
    raise UserError(f"{server} has no model {wanted}.", hint)


def _ask(title: str, asked: Sequence[Pair], judge: Judge, run: Run, output: Output) -> list[Outcome]:
    """Its opinions; told on the way, and when it ends before the end."""
    if not asked:
        return []
    done = total = 0
    with Progress(output) as progress:

        def reach(now: int, of: int) -> None:
            nonlocal done, total
            if not total:
                progress.start(title, of, now)
            done, total = now, of
            progress.reach(done, time_left(progress.seconds_left(done)))

        try:
            return opinions(asked, judge, _kept(run), reach)
        except (UserError, KeyboardInterrupt):
            progress.end()
            output.say(f"{done} of {total} replies are kept; the same command goes on with the others.")
            raise


def _kept(run: Run) -> Path:
    return run.folder / "opinions.jsonl"


def _suite(asked: Sequence[Pair], said: Sequence[Outcome]) -> SuitePreference:
    rows = zip(asked, said, strict=True)
    return SuitePreference(
        figures=preference(said), opinions=tuple(Opinion(pair=pair.name, outcome=outcome) for pair, outcome in rows)
    )


def _notes(judge: Judge, run: Run, evaluation: Evaluation | None, said: Sequence[Sequence[Outcome]]) -> Iterator[str]:
    stamps = [column.stamp for comparison in list_comparisons(run) for column in comparison.columns]
    if evaluation:
        stamps += evaluation.read().stamps.values()
    weights = judge.answerer.stamp(judge.model).get("weights_sha256")
    if weights and weights in {stamp.get("weights_sha256") for stamp in stamps}:
        yield (
            "The judge has the weights of the models that it judges, and models favour answers like their own. Ask "
            "another."
        )
    outcomes = [outcome for part in said for outcome in part]
    if len(outcomes) > 1 and set(outcomes) == {"identical"}:
        yield (
            "All answers are the same. Was the tuned model asked at all? The usual cause is a server that ignores the "
            "adapter, or a wrong model name."
        )
    if "unreadable" in outcomes:
        yield f"What the judge wrote where it was unreadable is in {_kept(run)}."
