"""From answers and verdicts to figures, on small cases worked by hand."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from qwenlab.evaluation.programs.extract import Rule
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.programs.results import FailingTest, ProgramResult, SelfCheck
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.evaluation.scored import Scored
from qwenlab.evaluation.suites.code_contests import contest_item
from qwenlab.recipe import EvaluateSettings
from qwenlab.report.build import build_report
from qwenlab.report.schema import Cost, Report, read_report
from qwenlab.report.suite import Results, _how_difficult, outcome_of
from qwenlab.runs.evaluation import EvaluationRecord, Spent
from qwenlab.stats.types import Comparison, NotMeasured, Transitions
from tests.report.reports import attempt, contest, whole_report

CHECK = SelfCheck(
    backend="b", version="1", interpreter="python", user="u", kernel="k", machine="m", fit=True, seconds=1.5
)
RECORD = EvaluationRecord(
    created=datetime(2026, 1, 1, tzinfo=UTC),
    suites={"tiny": {
        "title": "Mini contest", "aim": "target", "source": "s", "version": "", "available": 4, "left_out": {},
        "contamination": "",
    }},
    settings=EvaluateSettings(),
    spent={"base": Spent(tokens=99, seconds=2.0)},
)  # fmt: skip
SIDES: dict[str, Side] = {"b": "base", "t": "tuned", "a": "base_again"}


def result(verdict: Verdict, seconds: float = 0.1, deepmind: Verdict | None = None) -> ProgramResult:
    failing = FailingTest(
        number=1, verdict=verdict, input="", expected="", got="", error="", exit_status=0, seconds=seconds
    )
    return ProgramResult(
        name="p",
        verdict=verdict,
        strict=verdict,
        deepmind=deepmind or verdict,
        tests=2,
        tests_run=1,
        seconds=seconds,
        limit_s=1.0,
        peak_bytes=1,
        failing_test=None if verdict is Verdict.AC else failing,
    )


def report(outcomes: dict[str, str], contests: str = "", seconds: float = 0.1, sandbox: bool = True) -> Report:
    """Of outcomes by side, a letter an answer, problem by problem: A accepted, W wrong, S sandbox error, X no program,
    B a program that does not parse. Several answers to a problem are joined: "AW WW" are two problems."""
    rule: dict[str, Rule] = {"X": "none", "B": "fence"}
    verdicts = {"A": Verdict.AC, "W": Verdict.WA, "S": Verdict.SE, "B": Verdict.RE}
    samples, judged = [], []
    count = len(next(iter(outcomes.values())).split())
    for short, letters in outcomes.items():
        for number, group in enumerate(letters.split()):
            for position, letter in enumerate(group):
                key = {"item": f"p{number}", "model": SIDES[short], "sample": position}
                samples.append(Sample(**key, answer=letter, tokens=1, truncated=False))
                judged.append(
                    Scored(
                        **key,
                        found="" if letter == "X" else letter,
                        rule=rule.get(letter, "python_fence"),
                        right=_right(letter, sandbox),
                        parses=letter not in "XB",
                        result=result(verdicts[letter], seconds) if sandbox and letter != "X" else None,
                    )
                )
    problems = [
        Problem(
            name=f"p{number}",
            description="",
            tests=(),
            difficulty="odd" if number % 2 else "even",
            contest=contests[number] if contests else None,
        )
        for number in range(count)
    ]
    check = CHECK if sandbox else NotMeasured(why="no sandbox; apt install it")
    results = Results([contest_item(problem) for problem in problems], samples, judged)
    return build_report({"tiny": results}, check, None, "run", RECORD)


def _right(letter: str, sandbox: bool) -> bool | None:
    return None if letter == "S" or (letter != "X" and not sandbox) else letter == "A"


def moved(found: Report) -> Transitions:
    transitions = contest(found).transitions
    assert transitions
    return transitions


def compared(found: Report, metric: str) -> Comparison:
    change = contest(found).metrics[metric]  # type: ignore[index]
    assert isinstance(change, Comparison)
    return change


def test_each_metric_counts_what_it_says() -> None:
    found = report({"b": "X B W W A A", "t": "A W A X A W"})
    counts = {
        name: (compared(found, name).before.count, compared(found, name).after.count) for name in contest(found).metrics
    }
    assert counts == {"generation": (5, 5), "syntax": (4, 5), "pass": (2, 3)}
    assert [row.outcome for row in contest(found).rows] == ["gained", "neither", "gained", "neither", "both", "lost"]
    assert (moved(found).gained, moved(found).lost) == (("p0", "p2"), ("p5",))
    assert moved(found).matrix()["no program", "AC"] == 1
    assert found.sentence.startswith("Not shown: 2 to 3 of 6, +50 % relative")
    assert [(stratum.name, stratum.before.count, stratum.after.count) for stratum in contest(found).strata["pass"]] == [
        ("even", 1, 3),
        ("odd", 1, 0),
    ]


def test_a_sandbox_error_is_nobody_s_failure() -> None:
    found = report({"b": "S W A", "t": "A A A"})
    change = compared(found, "pass")
    assert (change.n, change.left_out, change.before.count, change.after.count) == (2, 1, 1, 2)
    assert contest(found).rows[0].outcome == "not judged"
    assert "p0" not in moved(found).gained


def test_a_program_that_was_not_run_is_not_known_to_fail() -> None:
    ran = attempt(Verdict.WA)
    assert [outcome_of("pass", one) for one in (ran, attempt(None), attempt(None, found="", right=False))] == [
        False,
        None,
        False,
    ]


def test_code_quality_is_a_share_of_the_programs_and_not_of_the_problems() -> None:
    criteria = {criterion.name: criterion for criterion in report({"b": "W W W", "t": "A X X"}).criteria}
    assert criteria["Code quality"].status == "met"
    assert criteria["Code quality"].figures == "the one program parses"
    assert criteria["Generation rate"].status == "not met"


def test_with_several_answers_the_headline_is_pass_at_1_over_all_of_them() -> None:
    found = report({"b": "WWWW AAWW", "t": "AWWW AAAA"})
    assert set(contest(found).pass_at_k) == {1, 4}
    before, after = (contest(found).pass_at_k[1].before, contest(found).pass_at_k[1].after)
    assert before is not None
    assert after is not None
    assert [before.value, after.value] == pytest.approx([0.25, 0.625])
    any_of_four = contest(found).pass_at_k[4].after
    assert any_of_four is not None
    assert any_of_four.value == 1.0
    assert found.sentence.startswith("Not shown: 25.0 % to 62.5 % over 2 problems")
    assert [row.outcome for row in contest(found).rows] == ["gained", "both"]


def test_contests_are_clusters_where_every_problem_has_one() -> None:
    assert compared(report({"b": "W W A A", "t": "A A A W"}, contests="xxyy"), "pass").clusters == 2
    assert compared(report({"b": "W W A A", "t": "A A A W"}), "pass").clusters is None


def test_without_a_sandbox_only_pass_is_not_measured() -> None:
    found = report({"b": "X W B", "t": "A A A"}, sandbox=False)
    assert contest(found).metrics["pass"] == NotMeasured(why="no sandbox; apt install it")
    assert found.sentence == "Not measured: no sandbox; apt install it"
    assert (compared(found, "generation").before.count, compared(found, "syntax").before.count) == (2, 1)
    assert {row.outcome for row in contest(found).rows} == {"not judged"}
    assert found.criteria[1].status == "not measured"
    assert "pass" not in contest(found).strata


def test_the_base_twice_is_the_noise_floor() -> None:
    found = report({"b": "A W W A", "t": "A A A A", "a": "A A W W"})
    floor = contest(found).noise_floor
    assert floor is not None
    assert (floor.n, floor.gained, floor.lost) == (
        4,
        1,
        1,
    )
    assert compared(found, "pass").after.count == 4
    assert contest(report({"b": "A", "t": "A"})).noise_floor is None


def test_two_reports_of_the_same_answers_differ_in_their_times_alone() -> None:
    slow, quick = report({"b": "W A", "t": "A W"}, seconds=0.9), report({"b": "W A", "t": "A W"}, seconds=0.1)
    assert slow != quick
    assert slow.without_times() == quick.without_times()
    assert report({"b": "W A", "t": "A A"}).without_times() != quick.without_times()


def test_the_easiest_problems_stand_first() -> None:
    found = whole_report()
    assert [stratum.name for stratum in contest(found).strata["pass"]] == ["easy", "medium", "hard"]
    assert sorted(["1600 to 1999", "1200 to 1599", "below 1200"], key=_how_difficult)[0] == "below 1200"
    assert sorted("CAB", key=_how_difficult) == ["A", "B", "C"]


def test_tokens_are_counted_from_the_answers_whatever_was_noted() -> None:
    assert report({"b": "W A", "t": "A A"}).cost == {"base": Cost(tokens=2, seconds=2.0)}


def test_an_attempt_has_what_its_program_s_result_says() -> None:
    [row] = contest(report({"b": "W", "t": "X"})).rows
    ran, nothing = row.base[0], row.tuned[0]
    assert (ran.verdict, ran.deepmind, ran.tests, ran.tests_run) == (Verdict.WA, Verdict.WA, 2, 1)
    assert ran.failing_test == result(Verdict.WA).failing_test
    assert (nothing.verdict, nothing.tests, nothing.failing_test) == (None, 0, None)


def test_a_report_is_read_back_equal() -> None:
    found = report({"b": "W A X S", "t": "A W B A", "a": "W A X S"})
    assert Report.model_validate_json(found.model_dump_json()) == found


def test_a_later_version_s_report_is_read_and_none_with_unknown_fields_is_made(tmp_path: Path) -> None:
    found = report({"b": "W A X S", "t": "A W B A"}, sandbox=False)
    content = found.model_dump(mode="json")
    suite = content["suites"]["tiny"]
    for part in (content, suite["metrics"]["pass"], suite["metrics"]["syntax"], suite["rows"][0]["base"][0]):
        part["later"] = 1
    (tmp_path / "report.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_report(tmp_path / "report.json") == found
    with pytest.raises(ValidationError, match="later"):
        Report(**content)
