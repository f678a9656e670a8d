"""The report's tables: the right figure in the right cell."""

from qwenlab.report import tables
from qwenlab.report.tables import NO_BREAK, Table
from qwenlab.stats.intervals import rate
from qwenlab.stats.types import NoiseFloor
from tests.report.reports import contest, whole_report


def _cells(table: Table) -> list[list[str]]:
    return [[cell.replace(NO_BREAK, " ") for cell in row] for row in table.rows]


def test_metrics() -> None:
    generation, _, passed, strict, deepmind = _cells(tables.metrics(contest(whole_report())))
    assert generation[1:3] == ["14 of 18: 77.8 % (55 to 91 %)", "17 of 18: 94.4 % (74 to 99 %)"]
    assert passed[3:] == ["+44.4 points (+11.1 to +72.2)", "+266.7 %", "9 / 1", "0.021"]
    assert (strict[0], deepmind[0]) == (
        "pass, by the strict comparison of outputs",
        "pass, by DeepMind's comparison of outputs",
    )


def test_transitions_are_a_matrix_with_accepted_first_and_no_program_last() -> None:
    table = tables.transitions(contest(whole_report()))
    assert table.columns == ("base ↓ tuned →", "AC", "WA", "RE", "no program")
    assert table.rows == (
        ("AC", "2", "", "1", ""),
        ("WA", "6", "4", "", ""),
        ("TLE", "", "1", "", ""),
        ("no program", "3", "", "", "1"),
    )


def test_strata_and_causes_and_cost() -> None:
    report = whole_report()
    assert [row[:2] for row in tables.strata(contest(report)).rows][-3:] == [
        (d, "pass") for d in ("easy", "medium", "hard")
    ]
    assert ("ValueError", "RE", "0", "1") in tables.causes(contest(report)).rows
    assert tables.cost(report).rows == (("base", "360", "12 s", "30"), ("tuned", "360", "9 s", "38"))
    assert tables.cost(report).note == "Judging took 3 s."


def test_what_was_asked_and_what_was_left_away() -> None:
    assert tables.asked(contest(whole_report())) == (
        "18 of 30 problems of problems.jsonl. Left out: 2 interactive. The cap on a problem's tests left 7 tests away."
    )


def test_provenance_tells_what_was_asked_of_whom() -> None:
    rows = {row[0]: row[1] for row in tables.provenance(whole_report()).rows}
    assert rows["code_contests"] == tables.asked(contest(whole_report()))
    assert rows["evaluate.temperature"] == "0.0"
    assert rows["tuned: adapter"] == "best"


def test_noise_tells_of_the_base_against_itself() -> None:
    report = whole_report()
    [before] = tables.noise(contest(report))
    assert before.startswith("18 problems: minimum detectable effect +8 (44 points)")
    floor = NoiseFloor(n=18, left_out=0, gained=1, lost=2, flipped=rate(3, 18))
    *_, again = tables.noise(contest(report).model_copy(update={"noise_floor": floor}))
    assert "1 gained and 2 lost of 18 (16.7 %" in again.replace(NO_BREAK, " ")
