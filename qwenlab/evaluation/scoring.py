"""What became of each answer of a suite, by what its items are held against."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from qwenlab.evaluation.answers.grade import Grader
from qwenlab.evaluation.constraints import follows
from qwenlab.evaluation.item import Choice, Constrained, Item, Program, Reference, ShortAnswer
from qwenlab.evaluation.programs.results import JudgeSettings
from qwenlab.evaluation.programs.sandbox.protocol import Sandbox
from qwenlab.evaluation.programs.scoring import score_samples
from qwenlab.evaluation.programs.syntax import Parser
from qwenlab.evaluation.readings import Loss, Reading, ReadSide
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.evaluation.scored import Scored
from qwenlab.files import rewrite_lines

CUT_SHORT = "cut short"


class Runner(NamedTuple):
    """What runs programs."""

    parser: Parser
    sandbox: Sandbox | None
    """None: programs are found and parsed, and none is run."""
    settings: JudgeSettings


def score(
    items: Sequence[Item],
    samples: Sequence[Sample],
    readings: Sequence[Reading],
    runner: Runner | None,
    path: Path,
    progress: Callable[[int], None],
) -> list[Scored]:
    """One line for each answer, in the order of `samples`; or for each side of each reading. All are in the file then.

    Args:
        items: of one kind.
        runner: needed where they ask for programs.
        progress: told how many are done.

    Raises:
        UserError: a pattern is no regular expression, or what compares mathematics cannot be started.
    """
    by_name = {item.name: item for item in items}
    tasks = [item.task for item in items]
    if programs := {item.name: item.task.problem for item in items if isinstance(item.task, Program)}:
        assert runner, "there is a judge where there are programs"
        return score_samples(samples, programs, runner.parser, runner.sandbox, runner.settings, path, progress)
    if isinstance(tasks[0], Choice | Reference):
        scored = [line for reading in readings for line in _read(by_name[reading.item], reading)]
    else:
        scored = _answered(by_name, samples, progress)
    rewrite_lines(path, scored)
    progress(len(scored))
    return scored


def _answered(items: Mapping[str, Item], samples: Sequence[Sample], progress: Callable[[int], None]) -> list[Scored]:
    scored = []
    with Grader() as grader:
        for sample in samples:
            scored.append(_of_sample(items[sample.item], sample, grader))
            progress(len(scored))
    return scored


def _of_sample(item: Item, sample: Sample, grader: Grader) -> Scored:
    key = {"item": sample.item, "model": sample.model, "sample": sample.sample}
    task = item.task
    if isinstance(task, ShortAnswer):
        grade = (grader.grade_cut if sample.truncated else grader.grade)(task, sample.answer)
        fault = CUT_SHORT if sample.truncated and not grade.right else "" if grade.found else grade.rule
        return Scored(**key, found=grade.found, rule=grade.rule, right=grade.right, fault=fault)
    assert isinstance(task, Constrained), "choices and references are read"
    broken = [one.name for one in task.constraints if not follows(one, sample.answer, item.messages[-1]["content"])]
    return Scored(**key, right=not broken, fault=", ".join(broken))


def _read(item: Item, reading: Reading) -> list[Scored]:
    """Of both sides."""
    sides: tuple[ReadSide, ...] = ("base", "tuned")
    found = reading.found
    if isinstance(found, Loss):
        return [Scored(item=item.name, model=side, rule="loss", loss=getattr(found, side)) for side in sides]
    assert isinstance(item.task, Choice), "letters are those of a choice"
    return [_of_letter(item.name, side, found.chosen(side), found.mass(side), item.task.right) for side in sides]


def _of_letter(name: str, side: Side, letter: str | None, mass: float, right: str) -> Scored:
    rule = f"likeliest letter; all letters have {100 * mass:.0f} % together"
    return Scored(item=name, model=side, found=letter or "", rule=rule, right=letter == right)
