"""`python -m qwenlab.judge`, as a user runs it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from qwenlab.evaluation.programs.results import JudgeReport
from qwenlab.evaluation.programs.selfcheck import select
from qwenlab.evaluation.programs.selfcheck.programs import TRIALS
from qwenlab.evaluation.programs.selfcheck.run import self_check
from qwenlab.evaluation.programs.verdict import Verdict
from qwenlab.judge import main
from tests.conftest import Verb

SUM = {"name": "sum", "description": "", "tests": [{"input": "1 2", "output": "3"}, {"input": "2 2", "output": "4"}]}
ASK = {"name": "ask", "description": "This is an interactive problem.", "tests": [{"input": "1", "output": "1"}]}
RIGHT = "print(sum(map(int, input().split())))"


def written(path: Path, *rows: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    others = [{**SUM, "name": name} for name in ("wrong", "crash", "form", "later")]
    return written(tmp_path / "problems.jsonl", SUM, *others, ASK)


@pytest.fixture
def solutions(tmp_path: Path) -> Path:
    sources = {
        "sum": RIGHT,
        "wrong": "print(3)",
        "crash": RIGHT + "\n1 / 0",
        "form": f"print([{RIGHT[6:-1]}])",
        "ask": "",
    }
    return written(
        tmp_path / "solutions.jsonl", *({"name": name, "solution": source} for name, source in sources.items())
    )


def test_judging_and_its_report(verb: Verb, problems: Path, solutions: Path, tmp_path: Path) -> None:
    report = tmp_path / "out" / "report.json"
    answer = verb("judge", "--problems", problems, "--solutions", solutions, "--report", report)
    assert answer.returncode == 0, answer.stderr
    assert "Judge verified" in answer.stdout
    assert "Accepted: 1 of 4" in answer.stdout
    assert "WA  wrong, test 2 of 2" in answer.stdout
    assert "ZeroDivisionError: division by zero" in answer.stdout
    assert "Not judged, interactive: 1 (ask)" in answer.stdout
    assert "Not judged, no solution: 1 (later)" in answer.stdout

    found = JudgeReport.model_validate_json(report.read_text(encoding="utf-8"))
    verdicts = {row.name: (row.verdict, row.tests_run) for row in found.results}
    assert verdicts == {"sum": ("AC", 2), "wrong": ("WA", 2), "crash": ("RE", 1), "form": ("PE", 1)}
    failing = found.results[1].failing_test
    assert failing and (failing.number, failing.input, failing.expected, failing.got) == (2, "2 2", "4", "3\n")
    assert found.counts == {Verdict.AC: 1, Verdict.WA: 1, Verdict.PE: 1, Verdict.RE: 1}
    assert (found.accepted, found.judged, found.strict_accepted, found.deepmind_accepted) == (1, 4, 1, 1)
    assert found.left_out == {"interactive": ("ask",), "no solution": ("later",)}
    assert found.self_check.fit
    assert found.self_check.interpreter


def test_programs_in_fences_are_told_so(
    problems: Path, tmp_path: Path, quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"name": "sum", "solution": f"```python\n{RIGHT}\n```"}, {"name": "wrong", "solution": RIGHT}]
    main(problems, written(tmp_path / "fenced.jsonl", *rows), None)
    assert "a Markdown fence (```) in them, which is no Python: 1 (sum)." in " ".join(capsys.readouterr().out.split())
    main(problems, written(tmp_path / "plain.jsonl", *rows[1:]), None)
    assert "Markdown" not in capsys.readouterr().out


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A self-check of two programs."""
    trials = [trial for trial in TRIALS if trial.name in ("a right answer", "network")]
    monkeypatch.setattr(select, "self_check", lambda sandbox, private: self_check(sandbox, trials, private))


@pytest.mark.usefixtures("quick")
def test_all_tests_of_the_first_programs(problems: Path, solutions: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    main(problems, solutions, report, all_tests=True, limit=3)
    found = JudgeReport.model_validate_json(report.read_text(encoding="utf-8"))
    assert [(row.name, row.verdict, row.tests_run) for row in found.results] == [
        ("sum", "AC", 2),
        ("wrong", "WA", 2),
        ("crash", "RE", 2),
    ]


@pytest.mark.usefixtures("quick")
def test_the_self_check_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    main(self_check=True)
    shown = capsys.readouterr().out
    assert re.search(r"✓ +network +contained +contained", shown)
    assert re.search(r"✓ +callers, seen from outside +none +none", shown)
    assert "Judge verified: 4 of 4 checks" in shown


@pytest.mark.parametrize(
    "arguments", [["--self-check"], ["--problems", "problems.jsonl", "--solutions", "solutions.jsonl"]]
)
def test_without_a_sandbox_nothing_is_judged(
    problems: Path, solutions: Path, tmp_path: Path, arguments: list[str]
) -> None:
    command = [sys.executable, "-c", NO_SANDBOX, *arguments]
    answer = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PATH": "/none"}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 2
    assert "Nothing was judged. No sandbox is fit to run programs here." in answer.stderr
    assert "bubblewrap is not installed." in answer.stderr
    assert answer.stderr.endswith("To fix this:\nsudo apt install bubblewrap\n")
    assert "Traceback" not in answer.stderr


NO_SANDBOX = """
from qwenlab import cli
from qwenlab.judge import main
from qwenlab.evaluation.programs.sandbox import landlock

landlock.landlock_abi = lambda: 0
cli.run(main, "python -m qwenlab.judge")
"""


@pytest.mark.parametrize(
    ("rows", "arguments", "words"),
    [
        ([], ["--problems", "problems.jsonl"], "Both --problems and --solutions are needed."),
        ([{"name": "summ", "solution": ""}], [], "1 of 1 solutions name no problem: summ.\nDid you mean sum?"),
        ([{"name": "sum", "solution": ""}] * 2, [], "solutions.jsonl, line 2: 'sum' is there already, in line 1."),
        ([{"name": "sum"}], [], "solutions.jsonl, line 1: solution: Field required."),
        ([{"name": "ask", "solution": ""}], [], "solutions.jsonl holds no program for a problem that can be judged."),
    ],
)
def test_what_can_be_mended_is_a_sentence(
    verb: Verb, problems: Path, tmp_path: Path, rows: list[dict[str, object]], arguments: list[str], words: str
) -> None:
    written(tmp_path / "solutions.jsonl", *rows)
    both = ["--problems", "problems.jsonl", "--solutions", "solutions.jsonl"]
    answer = verb("judge", *(arguments or both))
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
