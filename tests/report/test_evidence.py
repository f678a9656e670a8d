"""Why answers failed, and how often."""

import pytest

from qwenlab.evaluation.programs.extract import Rule
from qwenlab.evaluation.programs.results import ProgramResult
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.report.evidence import cause, count_causes
from tests.report.reports import attempt, program_result, row


@pytest.mark.parametrize(
    ("code", "rule", "truncated", "parses", "expected"),
    [
        ("", "none", True, False, "cut before a program"),
        ("", "none", False, False, "no code in the answer"),
        ("print(", "unclosed_fence", True, False, "program cut off"),
        # The program was whole; it is what followed that was cut.
        ("print(", "fence", True, False, "does not parse"),
        ("print(", "fence", False, False, "does not parse"),
        ("print()", "fence", False, True, None),
    ],
)
def test_what_was_not_run(code: str, rule: Rule, truncated: bool, parses: bool, expected: str | None) -> None:
    assert cause(code, rule, truncated, parses, None) == expected


def test_what_was_cut_while_thinking_is_told_from_what_was_cut_in_its_answer() -> None:
    assert cause("", "none", True, False, None, cut_thinking=True) == "cut while thinking"


def after_a_run(result: ProgramResult, parses: bool = True) -> str | None:
    return cause("print()", "python_fence", False, parses, result)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict.AC, None),
        (Verdict.WA, "wrong answer"),
        (Verdict.PE, "right values, wrong form"),
        (Verdict.TLE, "time limit"),
        (Verdict.MLE, "memory limit"),
        (Verdict.OLE, "output limit"),
        (Verdict.SE, "sandbox error"),
    ],
)
def test_each_verdict_has_its_cause(verdict: Verdict, expected: str | None) -> None:
    assert after_a_run(program_result(verdict)) == expected


def test_what_only_the_lenient_rule_accepts_has_the_wrong_form() -> None:
    assert after_a_run(program_result(Verdict.WA, deepmind=Verdict.AC)) == "right values, wrong form"


def test_a_program_that_does_not_parse_is_not_told_as_its_syntax_error() -> None:
    result = program_result(Verdict.RE, error="SyntaxError: '(' was never closed\n")
    assert after_a_run(result, parses=False) == "does not parse"


def test_an_accepted_program_has_no_cause_whatever_the_parser_thinks() -> None:
    assert after_a_run(program_result(Verdict.AC), parses=False) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("Traceback (most recent call last):\n  File ...\nValueError: invalid literal: ''\n", "ValueError"),
        ("Traceback (most recent call last):\n  File ...\nEOFError\n", "EOFError"),
        ("numpy.exceptions.AxisError: axis 1\n", "AxisError"),
        ("AssertionError: it goes on\nover a line\n", "AssertionError"),
        ("KeyboardInterrupt\n", "KeyboardInterrupt"),
        ("something: else\n", "exit status 3"),
        ("    ValueError: in the middle of a traceback\n", "exit status 3"),
        ("", "exit status 3"),
    ],
)
def test_a_runtime_error_is_told_by_its_exception(error: str, expected: str) -> None:
    assert after_a_run(program_result(Verdict.RE, error=error, exit_status=3)) == expected


def test_causes_are_counted_by_side_the_most_frequent_first() -> None:
    wrong, nothing, fine = (
        attempt(Verdict.WA, "wrong answer"),
        attempt(None, "no code", found="", shown="no program"),
        attempt(Verdict.AC),
    )
    rows = [row(tuned=wrong, base=nothing), row(tuned=wrong, base=wrong), row(tuned=fine, base=fine)]
    found = [(cause.verdict, cause.cause, cause.base, cause.tuned) for cause in count_causes(rows)]
    assert found == [("WA", "wrong answer", 1, 2), ("no program", "no code", 1, 0)]
    assert count_causes(rows) == count_causes(rows[::-1])


def test_equally_frequent_causes_have_an_order_of_their_own() -> None:
    rows = [row(tuned=attempt(Verdict.WA, name), base=attempt(Verdict.AC)) for name in ("b", "a", "c")]
    assert [cause.cause for cause in count_causes(rows)] == ["a", "b", "c"]


def test_a_failed_assertion_is_no_wrong_output() -> None:
    assert after_a_run(program_result(Verdict.WA, input="", expected="", error="AssertionError")) == "assertion failed"
