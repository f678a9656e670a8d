"""Why answers failed, in two or three words, and how often: the report's error analysis."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from qwenlab.evaluation.extract import Rule
from qwenlab.evaluation.results import ProgramResult
from qwenlab.evaluation.verdict import Verdict
from qwenlab.report.schema import Attempt, Cause, ProblemRow

CUT_SHORT = "cut before a program"
NO_CODE = "no code in the answer"
UNCLOSED = "program cut off"
DOES_NOT_PARSE = "does not parse"
WRONG_ANSWER = "wrong answer"
WRONG_FORM = "right values, wrong form"
EXIT_STATUS = "exit status"
"""It is followed by the number."""

EXCEPTION = re.compile(r"(?:\w+\.)*(?P<name>\w*(?:Error|Exception|Interrupt|Exit|Iteration|Warning|Group))(?::.*)?")
"""The last line that Python writes of an uncaught exception."""


def cause(code: str, rule: Rule, truncated: bool, parses: bool, result: ProgramResult | None) -> str | None:
    """Why an answer failed; None where it passed, or where a program that parses was not run.

    Args:
        code: the program in the answer; empty: there is none.
        truncated: generation ran out of tokens.
    """
    if result and result.verdict is Verdict.AC:
        return None
    if result and result.verdict is Verdict.SE:
        return "sandbox error"
    if not code:
        return CUT_SHORT if truncated else NO_CODE
    if not parses:
        # Where a cut explains the fault, it is the cause that one can do something about.
        return UNCLOSED if truncated and rule == "unclosed_fence" else DOES_NOT_PARSE
    return _of_verdict(result) if result else None


def count_causes(rows: Sequence[ProblemRow]) -> tuple[Cause, ...]:
    """Failures of all answers by verdict and cause, the most frequent of both sides together first."""
    base = _count(one for row in rows for one in row.base)
    tuned = _count(one for row in rows for one in row.tuned)
    keys = sorted(base.keys() | tuned.keys(), key=lambda key: (-base[key] - tuned[key], key))
    return tuple(
        Cause(verdict=verdict, cause=reason, base=base[verdict, reason], tuned=tuned[verdict, reason])
        for verdict, reason in keys
    )


def _count(attempts: Iterable[Attempt]) -> Counter[tuple[str, str]]:
    return Counter((one.shown, one.cause) for one in attempts if one.cause)


def _of_verdict(result: ProgramResult) -> str:
    match result.verdict:
        case Verdict.PE:
            return WRONG_FORM
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
