"""What is drawn, what the cap leaves, and what a report is told of it."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.programs import Test
from qwenlab.evaluation.programs.benchmark import Benchmark, load_benchmark
from tests.evaluation.programs.code_contests import write_parquet


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def row(name: str, tests: int = 1, **columns: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Say it.",
        "tests": [{"input": f"{n}\n", "output": f"{n}\n"} for n in range(tests)],
    } | columns


def test_each_difficulty_has_its_share(tmp_path: Path) -> None:
    path = written(tmp_path / "p.jsonl", *(row(f"p{n}", difficulty="AAB"[n % 3]) for n in range(12)))
    drawn = load_benchmark(str(path), limit=6, max_tests=0, seed=0).problems
    assert Counter(problem.difficulty for problem in drawn) == {"A": 4, "B": 2}


def test_a_file_with_all_that_is_told_of_it(tmp_path: Path) -> None:
    path = written(
        tmp_path / "p.jsonl",
        row("a", tests=5),
        row("b", tests=2),
        row("file", input_file="in.txt"),
        row("talk", flags={"interactive": True}),
    )
    benchmark = load_benchmark(str(path), limit=0, max_tests=3, seed=0)
    assert [(problem.name, problem.tests) for problem in benchmark.problems] == [
        ("a", (Test("0\n", "0\n"), Test("1\n", "1\n"), Test("2\n", "2\n"))),
        ("b", (Test("0\n", "0\n"), Test("1\n", "1\n"))),
    ]
    assert benchmark.source == str(path) and len(benchmark.version) == 64
    assert benchmark.available == 2 and benchmark.tests_cut == 2
    assert benchmark.left_out == {"reads or writes files": ("file",), "interactive": ("talk",)}
    assert "not known" in benchmark.contamination
    assert load_benchmark(str(path), 0, 0, 0).tests_cut == 0
    assert json.loads(json.dumps(benchmark.facts()))["left_out"]["interactive"] == ["talk"]
    assert benchmark.facts().keys() == set(Benchmark._fields) - {"problems"}


def test_what_the_cap_leaves_away_is_counted_of_the_drawn_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "p.jsonl", *(row(f"p{n}", tests=10) for n in range(8)))
    benchmark = load_benchmark(str(path), limit=3, max_tests=4, seed=0)
    assert (len(benchmark.problems), benchmark.available, benchmark.tests_cut) == (3, 8, 18)


def test_a_parquet_file_keeps_the_visible_tests_first(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "p.parquet", {}, {"name": "1623_B. Other"})
    benchmark = load_benchmark(str(path), limit=0, max_tests=1, seed=0)
    assert [problem.tests for problem in benchmark.problems] == [(Test("1 2\n", "3\n"),)] * 2
    assert benchmark.tests_cut == 4
    assert "late 2021" in benchmark.contamination


@pytest.mark.parametrize("contest", [None, 1574, 1624, "x"])
def test_other_contests_are_not_taken_for_the_test_split(tmp_path: Path, contest: object) -> None:
    path = written(tmp_path / "p.jsonl", row("a", cf_contest_id=1575), row("b", cf_contest_id=contest))
    assert "not known" in load_benchmark(str(path), 0, 0, 0).contamination


def test_public_tests_are_examples_unless_the_description_shows_them(tmp_path: Path) -> None:
    path = written(
        tmp_path / "p.jsonl",
        row("public", tests=3, n_public_est=2),
        row("shown", tests=3, n_public_est=2, description="Say it.\n\nInput\n\n\n0\n\nOutput\n\n\nzero\n"),
        row("given", tests=3, n_public_est=2, examples=[{"input": "7", "output": "7"}]),
        row("hidden", tests=3),
    )
    examples = {problem.name: problem.examples for problem in load_benchmark(str(path), 0, 0, 0).problems}
    assert examples["public"] == (Test("0\n", "0\n"), Test("1\n", "1\n"))
    assert examples["shown"] == examples["hidden"] == ()
    assert examples["given"] == (Test("7", "7"),)


def test_the_bundled_contest_is_read_as_any_file_and_knows_that_it_is_new_to_the_tiny_qwen() -> None:
    benchmark = load_benchmark("tiny", limit=300, max_tests=4, seed=0)
    assert len(benchmark.problems) == benchmark.available == 200 and benchmark.tests_cut == 400
    assert benchmark.source == "tiny" and len(benchmark.version) == 64
    assert "shares no program and no sentence with what the tiny Qwen saw" in benchmark.contamination
    assert len(load_benchmark("tiny", 10, 0, 0).problems) == 10


def test_sources_that_are_not_there_or_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="neither a file here nor the name of a hub data set"):
        load_benchmark("problems", 0, 0, 0)
    for missing in ("gone.jsonl", "gone.parquet", "./gone"):
        with pytest.raises(UserError, match="cannot be read: No such file"):
            load_benchmark(missing, 0, 0, 0)
    path = written(tmp_path / "p.jsonl", row("a", tests=0), row("b", tests=0))
    with pytest.raises(UserError, match="can be judged: 2 no tests"):
        load_benchmark(str(path), 0, 0, 0)
