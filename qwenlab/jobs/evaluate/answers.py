"""What base and tuned say to every item, or make of it: what an earlier process has heard is not asked again."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.answering.answerer import Answerer
from qwenlab.answering.likelihood import Reader
from qwenlab.errors import UserError
from qwenlab.evaluation.drift import drift_of
from qwenlab.evaluation.generation import TUNED, Batch, generate_samples, in_order, plan, unanswered
from qwenlab.evaluation.item import Item
from qwenlab.evaluation.readings import Reading, read_items, unread
from qwenlab.evaluation.samples import Sample, Side, same_throughout
from qwenlab.files import read_lines
from qwenlab.inference.runs import local_answerer
from qwenlab.jobs.evaluate.items import NEEDS_THE_MODEL, Suites
from qwenlab.runs import Evaluation, Run
from qwenlab.runs.mode import said
from qwenlab.runs.output import Output
from qwenlab.runs.progress import PhaseProgress

TOO_ALIKE = 10
"""So many answers of a server and more, all the same for base and tuned, are no coincidence."""


class Answers(NamedTuple):
    """Of one suite: what was generated, or what was read."""

    samples: list[Sample]
    readings: list[Reading]


class _Todo(NamedTuple):
    """What is asked of a suite in all, and what of it is left."""

    batches: list[Batch]
    left: list[Batch]
    read: int
    """Items that are read."""
    unread: int

    @property
    def total(self) -> int:
        return sum(len(batch.units) for batch in self.batches) + self.read

    @property
    def unasked(self) -> int:
        return sum(len(batch.units) for batch in self.left) + self.unread


def answer(
    evaluation: Evaluation, run: Run, runs: Path, suites: Suites, output: Output, after_s: float = 0.0
) -> dict[str, Answers]:
    """Of base and tuned, by suite. `after_s`: seconds that what follows will take.

    Raises:
        UserError: a model or a server is not what began this evaluation, cannot be asked, or ignores the adapter.
    """
    record = evaluation.read()
    todo = {name: _todo(evaluation, name, suites[name]) for name in suites}
    total, left = (sum(getattr(each, count) for each in todo.values()) for count in ("total", "unasked"))
    if left:
        if record.thinking is not None:
            output.say(f"base and tuned are asked with {said(record.thinking)}")
        with (
            _answerer(evaluation, run, runs, output) as answerer,
            PhaseProgress(evaluation, output, "generating", total, total - left, after_s=after_s) as following,
        ):
            for name, each in todo.items():
                _generate(evaluation, name, each.left, answerer, following)
                if each.unread:
                    _read(evaluation, name, suites[name], each, answerer, following)
            if isinstance(answerer, Reader):
                _measure_drift(evaluation, run, answerer, output)
    found = {name: _found(evaluation, name, suites[name], each) for name, each in todo.items()}
    if record.endpoint:
        _refuse_one_model(found, record.endpoint)
    return found


def _todo(evaluation: Evaluation, name: str, items: Sequence[Item]) -> _Todo:
    record, files, kind = evaluation.read(), evaluation.suite(name), items[0].task.kind
    is_read = kind in NEEDS_THE_MODEL
    if is_read and not (record.answers and kind == "reference"):
        return _Todo([], [], len(items), unread(items, files.readings_file))
    batches = plan(items, record.settings.samples, record.settings.batch_size, record.noise_floor)
    left = unanswered(batches, files.samples_file, parts=record.endpoint is not None)
    return _Todo(batches, left, *((len(items), unread(items, files.readings_file)) if is_read else (0, 0)))


def _generate(
    evaluation: Evaluation, name: str, todo: list[Batch], answerer: Answerer, following: PhaseProgress
) -> None:
    record = evaluation.read()

    def progress(side: Side, samples: list[Sample], seconds: float) -> None:
        tokens = sum(sample.tokens for sample in samples)
        _spend(evaluation, name, side, tokens, seconds)
        following.more(len(samples), tokens)

    file = evaluation.suite(name).samples_file
    served = record.endpoint is not None
    generate_samples(todo, answerer, record.settings, file, progress, record.thinking, parts=served)


def _read(
    evaluation: Evaluation, name: str, items: Sequence[Item], todo: _Todo, answerer: Answerer, following: PhaseProgress
) -> None:
    assert isinstance(answerer, Reader), "a server is not asked for what it does not tell"
    thinking, file = evaluation.read().thinking, evaluation.suite(name).readings_file
    began = time.monotonic()
    read_items(items, answerer, TUNED, thinking, file, lambda done: following.more(1, 0))
    _take(evaluation, name, time.monotonic() - began)


def _measure_drift(evaluation: Evaluation, run: Run, reader: Reader, output: Output) -> None:
    """Of runs whose training did not; those of an earlier edition, for instance."""
    adapter = evaluation.read().stamps["tuned"]["adapter_sha256"]
    try:
        drift_of(run, reader, TUNED, evaluation.read().thinking, adapter)
    except UserError as error:
        output.say(f"drift was not measured: {error}")


def _found(evaluation: Evaluation, name: str, items: Sequence[Item], todo: _Todo) -> Answers:
    files = evaluation.suite(name)
    readings = {reading.item: reading for reading in read_lines(files.readings_file, Reading)} if todo.read else {}
    return Answers(in_order(todo.batches, files.samples_file), [readings[item.name] for item in items if todo.read])


def _refuse_one_model(found: Mapping[str, Answers], endpoint: str) -> None:
    """A server that ignores the adapter answers twice alike, and the comparison would be one of nothing."""
    generated = [answers.samples for answers in found.values() if answers.samples]
    counts = [same_throughout(samples) for samples in generated]
    if all(counts) and sum(counts) >= TOO_ALIKE:
        raise UserError(
            f"All {sum(counts)} answers of base and tuned are the same, letter for letter: {endpoint} ignores the "
            "adapter, or serves one model under both names.",
            "Load the adapter there (vLLM: --enable-lora --lora-modules NAME=PATH) and begin a new evaluation; or "
            "leave --endpoint out, and the model is loaded here.",
        )


@contextmanager
def _answerer(evaluation: Evaluation, run: Run, runs: Path, output: Output) -> Iterator[Answerer]:
    """One loaded model with the adapter on and off, which has its turn at the GPU; or a server."""
    record = evaluation.read()
    if record.endpoint:
        models = {
            "base": [record.base_model] if record.base_model else ["base", run.recipe.model.name],
            "tuned": [record.tuned_model] if record.tuned_model else [run.name, "adapter"],
        }
        from qwenlab.answering.remote import remote_answerer

        with remote_answerer(record.endpoint, models) as server:
            base, tuned = (model.id for model in server.models.values())
            if base == tuned:
                raise UserError(f"{base} would be compared with itself.", "Name another with --tuned-model.")
            evaluation.update(stamps={side: server.stamp(side) | {"thinking": record.thinking} for side in models})
            output.say(f"answering: {base} and {tuned} at {server.url}")
            yield server
        return

    def waiting(ahead: list[str]) -> None:
        evaluation.update(phase="waiting for the GPU")
        output.say(f"waiting for the GPU: {', then '.join(ahead)}")

    def loading() -> None:
        evaluation.update(phase="loading")

    with local_answerer(runs, {"tuned": run}, f"evaluate-{run.name}", waiting, loading) as answerer:
        stamps = {side: answerer.stamp(side) | {"thinking": record.thinking} for side in ("base", "tuned")}
        _check_same(evaluation.read().stamps, stamps)
        evaluation.update(stamps=stamps)
        yield answerer


def _check_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    """A resumed evaluation must be answered by what began it."""
    for side, stamp in before.items():
        for key in ("weights_sha256", "adapter_sha256", "template_sha256", "dtype"):
            if stamp[key] != now[side][key]:
                raise UserError(
                    f"The {side} model is not what began this evaluation: its {key} is another.",
                    "Begin a new one: leave --resume out.",
                )


def _spend(evaluation: Evaluation, suite: str, side: Side, tokens: int, seconds: float) -> None:
    spent = {name: part.model_dump() for name, part in evaluation.read().spent.items()}
    earlier = spent.get(side, {"tokens": 0, "seconds": 0.0})
    spent[side] = {"tokens": earlier["tokens"] + tokens, "seconds": earlier["seconds"] + seconds}
    evaluation.update(spent=spent)
    _take(evaluation, suite, seconds)


def _take(evaluation: Evaluation, suite: str, seconds: float) -> None:
    taken = evaluation.read().suite_seconds
    evaluation.update(suite_seconds=taken | {suite: taken.get(suite, 0.0) + seconds})
