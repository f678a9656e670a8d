"""From answers to verdicts, and what a kill leaves to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from qwenlab.evaluation.programs import scoring
from qwenlab.evaluation.programs.problem import Problem, Test
from qwenlab.evaluation.programs.results import JudgeSettings
from qwenlab.evaluation.programs.sandbox.interpreter import judging_interpreter
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.sandbox.protocol import Result, SandboxFailureError, Spec
from qwenlab.evaluation.programs.scoring import score_samples
from qwenlab.evaluation.programs.syntax import Parser
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.evaluation.scored import Scored

DOUBLE = Problem(name="double", description="", tests=(Test("2", "4"), Test("3", "6")))
PROBLEMS = {"double": DOUBLE}
RIGHT = "```python\nprint(2 * int(input()))\n```"
ANSWERS = [RIGHT, "```python\nprint(4)\n```", "no program", "```python\nprint(\n```", RIGHT]


class Counting(LaunchedSandbox):
    """A sandbox that answers from the program's text, and counts."""

    def __init__(self) -> None:
        self.runs = 0

    def run(self, spec: Spec) -> Result:
        self.runs += 1
        output = b"4" if b"print(4)" in spec.program else str(2 * int(spec.stdin)).encode()
        return Result(exit_status=0, output=output, error=b"", cpu_s=0.0, wall_s=0.0, peak_bytes=0, flooded=False)


@pytest.fixture
def parser() -> Iterator[Parser]:
    with Parser(judging_interpreter()) as parser:
        yield parser


def samples(count: int = 10) -> list[Sample]:
    sides: list[Side] = ["base", "tuned"]
    return [
        Sample(
            item="double",
            model=sides[n % 2],
            sample=n // 2,
            answer=ANSWERS[n % len(ANSWERS)],
            tokens=1,
            truncated=False,
        )
        for n in range(count)
    ]


def score(path: Path, parser: Parser, sandbox: Counting | None, count: int = 10) -> list[Scored]:
    told: list[int] = []
    judged = score_samples(samples(count), PROBLEMS, parser, sandbox, JudgeSettings(workers=1), path, told.append)
    assert told[-1] == count
    return judged


def test_each_answer_has_its_program_and_its_verdict(tmp_path: Path, parser: Parser) -> None:
    judged = score(tmp_path / "judged.jsonl", parser, Counting())
    said = [(line.rule, line.parses, line.result and line.result.verdict, line.right) for line in judged[:5]]
    assert said == [
        ("python_fence", True, "AC", True),
        ("python_fence", True, "WA", False),
        ("none", False, None, False),
        ("fence", False, "AC", True),  # the stand-in does not mind its syntax
        ("python_fence", True, "AC", True),
    ]


def test_the_same_program_is_run_once(tmp_path: Path, parser: Parser) -> None:
    sandbox = Counting()
    score(tmp_path / "judged.jsonl", parser, sandbox)
    assert sandbox.runs == 2 + 2 + 2  # three programs, two tests each


def test_killed_it_goes_on_and_ends_the_same(tmp_path: Path, parser: Parser, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(tmp_path / "whole.jsonl", parser, Counting())
    monkeypatch.setattr(scoring, "PORTION", 3)
    path = tmp_path / "judged.jsonl"
    score(path, parser, Counting())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:6]) + lines[6][:20])
    again = Counting()
    assert score(path, parser, again) == whole
    assert again.runs == 0, "all three programs were judged in what was kept"
    assert path.read_bytes() == b"".join(lines)


class Failing(Counting):
    """A sandbox that fails on the programs with a constant in them."""

    def run(self, spec: Spec) -> Result:
        if b"print(4)" in spec.program:
            raise SandboxFailureError("the disk is full")
        return super().run(spec)


def test_what_the_sandbox_failed_on_is_judged_again(
    tmp_path: Path, parser: Parser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "PORTION", 3)
    path = tmp_path / "judged.jsonl"
    failed = score(path, parser, Failing())
    assert [line.result.verdict for line in failed if line.result] == ["AC", "SE", "AC", "AC"] * 2
    again = Counting()
    assert score(path, parser, again) == score(tmp_path / "whole.jsonl", parser, Counting())
    assert again.runs == 2, "the other verdicts are kept"


def test_verdicts_of_other_answers_are_not_taken(tmp_path: Path, parser: Parser) -> None:
    path = tmp_path / "judged.jsonl"
    score(path, parser, Counting())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[1:]))
    assert len(score(path, parser, Counting())) == 10


def test_without_a_sandbox_nothing_is_run_and_all_is_parsed(tmp_path: Path, parser: Parser) -> None:
    judged = score(tmp_path / "judged.jsonl", parser, None)
    assert {line.result for line in judged} == {None}
    assert [line.right for line in judged[:4]] == [None, None, False, None]
    assert [line.parses for line in judged[:4]] == [True, True, False, False]


def test_what_was_left_without_a_sandbox_is_run_once_there_is_one(tmp_path: Path, parser: Parser) -> None:
    path = tmp_path / "judged.jsonl"
    score(path, parser, None)
    sandbox = Counting()
    assert score(path, parser, sandbox) == score(tmp_path / "whole.jsonl", parser, Counting())
    assert sandbox.runs == 6
