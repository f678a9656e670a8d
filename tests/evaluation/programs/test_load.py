"""Problems and solutions from files: what is taken, what is left out, what is refused and with which words."""

import json
from pathlib import Path
from typing import Any

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.programs import Problem, Test
from qwenlab.evaluation.programs.load import Solution, load_problems, load_solutions

ROW = {"name": "sum", "description": "Add.", "tests": [{"input": "1 2\n", "output": "3\n"}]}


def written(path: Path, *rows: object) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def loaded(path: Path, **columns: Any) -> Problem:
    (problem,) = load_problems(written(path / "problems.jsonl", ROW | columns)).problems
    return problem


def test_the_least_that_a_problem_is(tmp_path: Path) -> None:
    assert loaded(tmp_path) == Problem(name="sum", description="Add.", tests=(Test("1 2\n", "3\n"),))


def test_all_that_it_can_have_and_more_that_is_ignored(tmp_path: Path) -> None:
    problem = loaded(
        tmp_path,
        time_limit_s=0.5,
        memory_limit_bytes=512_000_000,
        examples=[{"input": "0 0", "output": "0", "note": "ignored"}],
        solution="print(sum(map(int, input().split())))",
        cf_contest_id=1575,
        cf_index="D2",
        tags=["dp"],
        flags={"interactive": False},
        split="train",
    )
    assert (problem.time_limit_s, problem.memory_limit_bytes) == (0.5, 512_000_000)
    assert problem.examples == (Test("0 0", "0"),)
    assert problem.solution == "print(sum(map(int, input().split())))"
    assert (problem.contest, problem.difficulty) == ("1575", "D")


@pytest.mark.parametrize(
    ("columns", "difficulty"),
    [
        ({"cf_rating": 800, "cf_index": "E"}, "below 1200"),
        ({"cf_rating": 1200}, "1200 to 1599"),
        ({"cf_rating": 2399}, "2000 to 2399"),
        ({"cf_rating": 3500}, "2400 and above"),
        ({"cf_rating": 0, "cf_index": "E1"}, "E"),
        ({"name": "1041_E. Tree Reconstruction"}, "E"),
        ({"name": "1118_F1. Tree Cutting"}, "F"),
        ({"name": "p03000 AtCoder"}, "unknown"),
        ({"difficulty": "easy"}, "easy"),
        ({"difficulty": 7}, "unknown"),
    ],
)
def test_difficulty_by_rating_else_by_letter(tmp_path: Path, columns: dict[str, Any], difficulty: str) -> None:
    assert loaded(tmp_path, **columns).difficulty == difficulty


def test_the_contest_is_in_the_name_too(tmp_path: Path) -> None:
    assert loaded(tmp_path, name="1041_E. Tree Reconstruction").contest == "1041"


def test_what_cannot_be_judged_is_left_out_and_named(tmp_path: Path) -> None:
    path = written(
        tmp_path / "problems.jsonl",
        ROW,
        ROW | {"name": "flagged", "flags": {"interactive": True}},
        ROW | {"name": "said", "description": "This is an interactive problem. Ask."},
        ROW | {"name": "talk", "description": "An interactive map is shown."},
        ROW | {"name": "file", "input_file": "in.txt"},
        ROW | {"name": "no file", "input_file": "", "output_file": None},
        ROW | {"name": "empty", "tests": []},
    )
    found = load_problems(path)
    assert [problem.name for problem in found.problems] == ["sum", "talk", "no file"]
    assert found.left_out == {
        "interactive": ("flagged", "said"),
        "reads or writes files": ("file",),
        "no tests": ("empty",),
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "this is not JSON"),
        ("[]", "the line: Input should be a valid dictionary"),
        ("1" * 5000, "this is not JSON"),
        ("[" * 100_000, "this is nested too deeply"),
        ({**ROW, "tests": "1 2"}, "tests: Input should be a valid list"),
        ({**ROW, "tests": [{"input": "1"}]}, "tests.1.output: Field required"),
        ({**ROW, "tests": [{"input": 1, "output": "1"}]}, "tests.1.input: Input should be a valid string"),
        ({**ROW, "name": ""}, "name: String should have at least 1 character"),
        ({**ROW, "time_limit_s": 0}, "time_limit_s: Input should be greater than 0"),
        ({**ROW, "time_limit_s": float("nan")}, "time_limit_s: Input should be a finite number"),
        ({**ROW, "time_limit_s": 1e300}, "time_limit_s: Input should be less than or equal to 3600"),
        (
            {**ROW, "memory_limit_bytes": 10**30},
            "memory_limit_bytes: Input should be less than or equal to 10995116277",
        ),
        ({**ROW, "time_limit_s": "2"}, "time_limit_s: Input should be a valid number"),
        ({**ROW, "memory_limit_bytes": -1}, "memory_limit_bytes: Input should be greater than 0"),
        ({"name": "sum"}, "description: Field required"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_line_is_told_with_its_number(tmp_path: Path, line: object, words: str) -> None:
    path = written(tmp_path / "problems.jsonl", ROW | {"name": "good"}, "", line)
    with pytest.raises(UserError) as error:
        load_problems(path)
    assert f"problems.jsonl, line 3: {words}" in error.value.message
    assert '"tests"' in error.value.hint


def test_several_bad_lines_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        load_problems(written(tmp_path / "problems.jsonl", ROW, ROW, *["x"] * 9))
    assert "line 2: 'sum' is there already, in line 1." in error.value.message
    assert "line 6" in error.value.message
    assert error.value.message.endswith("And 5 more lines.")


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "problems.jsonl").write_bytes(content)
    with pytest.raises(UserError, match="is empty"):
        load_problems(tmp_path / "problems.jsonl")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.jsonl cannot be read: No such file"):
        load_problems(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"name": "\xe9"}\n')
    with pytest.raises(UserError, match=r"latin\.jsonl, line 1: this is not UTF-8"):
        load_solutions(tmp_path / "latin.jsonl")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(ROW), encoding="utf-8-sig")
    assert len(load_problems(path).problems) == 1


def test_solutions(tmp_path: Path) -> None:
    path = written(
        tmp_path / "solutions.jsonl", {"name": "a", "solution": "print(1)", "model": "x"}, {"name": "b", "solution": ""}
    )
    assert load_solutions(path) == [Solution("a", "print(1)"), Solution("b", "")]
    with pytest.raises(UserError, match="line 2: 'a' is there already"):
        load_solutions(written(path, {"name": "a", "solution": ""}, {"name": "a", "solution": ""}))
    with pytest.raises(UserError, match="line 1: solution: Field required"):
        load_solutions(written(path, {"name": "a"}))
