"""What advice and criteria rest on: why answers failed, in two or three words, and what the training's events say.

Losses that are not finite are points of no curve.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from qwenlab.evaluation.programs.results import ProgramResult
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.report.criteria import Stability
from qwenlab.report.schema import Attempt, Cause, Curve, ItemRow, Point
from qwenlab.runs.events import Event, Note, Train, Validation, of_kind
from qwenlab.stats.types import NotMeasured

CUT_SHORT = "cut before a program"
CUT_THINKING = "cut while thinking"
NO_CODE = "no code in the answer"
UNCLOSED = "program cut off"
DOES_NOT_PARSE = "does not parse"
WRONG_ANSWER = "wrong answer"
WRONG_FORM = "right values, wrong form"
FAILED_ASSERTION = "assertion failed"
EXIT_STATUS = "exit status"
"""It is followed by the number."""

EXCEPTION = re.compile(r"(?:\w+\.)*(?P<name>\w*(?:Error|Exception|Interrupt|Exit|Iteration|Warning|Group))(?::.*)?")
"""The last line that Python writes of an uncaught exception."""

MAJOR = ("spike", "infinite_loss", "nan")
"""The notes that tell of a loss that jumped."""


def cause(
    code: str, rule: str, truncated: bool, parses: bool, result: ProgramResult | None, cut_thinking: bool = False
) -> str | None:
    """Why an answer failed; None where it passed, or where a program that parses was not run.

    Args:
        code: the program in the answer; empty: there is none.
        truncated: generation ran out of tokens.
        cut_thinking: it did so before the reasoning ended.
    """
    if result and result.verdict is Verdict.AC:
        return None
    if result and result.verdict is Verdict.SE:
        return "sandbox error"
    if not code:
        return CUT_THINKING if cut_thinking else CUT_SHORT if truncated else NO_CODE
    if not parses:
        # Where a cut explains the fault, it is the cause that one can do something about.
        return UNCLOSED if truncated and rule == "unclosed_fence" else DOES_NOT_PARSE
    return _of_verdict(result) if result else None


def count_causes(rows: Sequence[ItemRow]) -> tuple[Cause, ...]:
    """Failures of all answers by verdict and cause, the most frequent of both sides together first."""
    base = _count(one for row in rows for one in row.base)
    tuned = _count(one for row in rows for one in row.tuned)
    keys = sorted(base.keys() | tuned.keys(), key=lambda key: (-base[key] - tuned[key], key))
    return tuple(
        Cause(verdict=verdict, cause=reason, base=base[verdict, reason], tuned=tuned[verdict, reason])
        for verdict, reason in keys
    )


def curve(events: Sequence[Event]) -> Curve:
    """Both losses by step, and the step of the best adapter: the lowest validation loss after the start."""
    validation = _finite(Point(event.step, event.eval_loss) for event in of_kind(events, Validation))
    trained = [point for point in validation if point.step > 0]
    return Curve(
        train=_finite(Point(event.step, event.loss) for event in of_kind(events, Train)),
        validation=validation,
        best_step=min(trained, key=lambda point: point.loss).step if trained else None,
    )


def stability(events: Sequence[Event]) -> Stability | NotMeasured:
    """How often the loss jumped, and whether it ended lower than it began.

    By validation where it was done twice, else by the means of the first and the last tenth of the training losses.
    """
    losses = curve(events)
    # A resumed run notes again what happened between its checkpoint and its end.
    spikes = len({note.step for note in of_kind(events, Note) if note.about in MAJOR})
    if len(losses.validation) > 1:
        return Stability(spikes, losses.validation[-1].loss < losses.validation[0].loss)
    if len(losses.train) > 1:
        first, last = ends(losses.train)
        return Stability(spikes, last < first)
    return NotMeasured(why="the run has no loss curve")


def ends(points: Sequence[Point]) -> tuple[float, float]:
    """The mean losses of the first and the last tenth, of at least one point each."""
    tenth = max(1, len(points) // 10)
    return _mean(points[:tenth]), _mean(points[-tenth:])


def _count(attempts: Iterable[Attempt]) -> Counter[tuple[str, str]]:
    return Counter((one.shown, one.cause) for one in attempts if one.cause)


def _of_verdict(result: ProgramResult) -> str:
    match result.verdict:
        case Verdict.PE:
            return WRONG_FORM
        case Verdict.WA if result.failing_test and not result.failing_test.expected:
            return FAILED_ASSERTION
        case Verdict.WA:
            return WRONG_FORM if result.deepmind is Verdict.AC else WRONG_ANSWER
        case Verdict.TLE:
            return "time limit"
        case Verdict.MLE:
            return "memory limit"
        case Verdict.OLE:
            return "output limit"
        case _:
            return _of_error(result)


def _of_error(result: ProgramResult) -> str:
    """The exception's type; a program that ended itself, or was killed, has only its exit status."""
    failing = result.failing_test
    if failing is None:
        return "runtime error"
    # The message may go on over lines, so the last line that begins as an exception does.
    found = (EXCEPTION.fullmatch(line.rstrip()) for line in reversed(failing.error.splitlines()))
    exception = next(filter(None, found), None)
    return exception["name"] if exception else f"{EXIT_STATUS} {failing.exit_status}"


def _finite(points: Iterable[Point]) -> tuple[Point, ...]:
    return tuple(point for point in points if math.isfinite(point.loss))


def _mean(points: Sequence[Point]) -> float:
    return sum(point.loss for point in points) / len(points)
