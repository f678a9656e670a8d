"""Expressions are compared in a process that no answer can keep, and MATH's answers as their owner would."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation.answers import mathematics
from qwenlab.evaluation.answers.grade import Grader
from qwenlab.evaluation.answers.mathematics import Mathematics
from qwenlab.evaluation.item import ShortAnswer
from tests.data.made import SHARED_DATA

TOWER = "5^{5^{5^{5^5}}}"


def test_a_hanging_answer_is_not_right_and_stops_nothing() -> None:
    with Grader() as grader:
        grader.mathematics.seconds = 1.0
        task = ShortAnswer(form="math", gold="5")
        assert grader.grade(task, rf"\boxed{{{TOWER}}}") == (TOWER, "took too long", False)
        assert grader.grade(task, r"\boxed{\sqrt{25}}") == (r"\sqrt{25}", "boxed", True)


def test_a_worker_that_dies_is_replaced() -> None:
    with Mathematics() as asked:
        assert asked.are_equal("x", "x")
        assert asked.process
        asked.process.kill()
        asked.process.wait()
        assert asked.are_equal("x", "x") is None
        assert asked.are_equal("x", "x")


def _is_open_to_all(path: str) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in Path(path).resolve().parents)


def test_the_worker_has_limits_and_no_rights_that_it_can_do_without() -> None:
    with Mathematics() as asked:
        asked.are_equal("x", "y")
        assert asked.process
        process = Path(f"/proc/{asked.process.pid}")
        limits = (process / "limits").read_text(encoding="utf-8")
        assert re.search(r"^Max file size +0 +0 ", limits, re.MULTILINE)
        assert re.search(rf"^Max address space +{2 << 30} ", limits, re.MULTILINE)
        assert re.search(r"^Max cpu time +1[5-9] |^Max cpu time +[2-5]\d ", limits, re.MULTILINE)
        if os.geteuid() == 0 and _is_open_to_all(os.__file__) and _is_open_to_all(mathematics.__file__):
            assert re.search(r"^Uid:\s+65534\s+65534", (process / "status").read_text(encoding="utf-8"), re.MULTILINE)


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    with Mathematics() as asked, pytest.raises(UserError, match=r"math-verify cannot be started: \w+"):
        asked.are_equal("1", "2")


MATH = SHARED_DATA / "math500_even.jsonl"
GOLDS = (
    [json.loads(line)["answer"] for line in MATH.read_text(encoding="utf-8").splitlines()]
    if MATH.exists()
    else [
        "\\frac{14}{3}",
        "(-2,1)",
        "(0,9) \\cup (9,36)",
        "3 \\pm 2\\sqrt{2}",
        "52_8",
        "6+9i",
        "90^\\circ",
        "y = 2x + 3",
    ]
)


def _with_left_and_right(gold: str) -> str:
    bracketed = re.fullmatch(r"([(\[])(.*)([)\]])", gold)
    return rf"\left{bracketed[1]}{bracketed[2]}\right{bracketed[3]}" if bracketed else gold


REWRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda gold: gold,
    "boxed in a sentence": lambda gold: f"We conclude that the value is $\\boxed{{{gold}}}$, as was to be shown.",
    "boxed in a display": lambda gold: f"Hence\n\\[\n\\boxed{{{gold}}}\n\\]\nand we are done.",
    "said to be the answer": lambda gold: f"The answer is ${gold}$." if "$" not in gold else f"The answer is {gold}.",
    "last expression": lambda gold: f"After some work we obtain \\({gold}\\).",
    "dfrac": lambda gold: "\\boxed{" + gold.replace("\\frac", "\\dfrac") + "}",
    "without left and right": lambda gold: "\\boxed{" + re.sub(r"\\(left|right) ?", "", gold) + "}",
    "with left and right": lambda gold: "\\boxed{" + _with_left_and_right(gold) + "}",
    "with a unit": lambda gold: f"\\boxed{{{gold} \\text{{ units}}}}" if gold.isdigit() else gold,
    "without spaces": lambda gold: "\\boxed{" + re.sub(r"(?<![a-z]) | (?![a-z])", "", gold) + "}",
    "with spaces": lambda gold: "\\boxed{ " + re.sub(r"(?<=[0-9])(?=[,+)=-])", " ", gold) + " }",
}


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader() as grader:
        yield grader


@pytest.mark.parametrize("way", REWRITTEN)
def test_a_gold_answer_is_right_however_it_is_written(grader: Grader, way: str) -> None:
    refused = [
        gold for gold in GOLDS if not grader.grade(ShortAnswer(form="math", gold=gold), REWRITTEN[way](gold)).right
    ]
    assert refused == []


def _changed(gold: str) -> Iterator[str]:
    """Wrong answers that look like the right one."""
    for match in re.finditer("[0-9]+", gold):
        yield gold[: match.start()] + str(int(match[0]) + 1) + gold[match.end() :]
    for match in re.finditer("[+-]", gold):
        yield gold[: match.start()] + {"+": "-", "-": "+"}[match[0]] + gold[match.end() :]
    if gold != "0":
        yield f"-{gold}"
    if fraction := re.fullmatch(r"\\frac\{(.*)\}\{(.*)\}", gold):
        yield rf"\frac{{{fraction[2]}}}{{{fraction[1]}}}"
    if bracketed := re.fullmatch(r"\((.*)\)", gold):
        yield from (f"[{bracketed[1]}]", f"({bracketed[1]}]", f"[{bracketed[1]})", rf"\{{{bracketed[1]}\}}")
        if "cup" not in gold and len(parts := bracketed[1].split(",")) == 2:
            yield f"({parts[1]},{parts[0]})"
    if "cup" in gold:
        yield gold.replace("cup", "cap")
    if "\\pm" in gold:
        yield from (gold.replace("\\pm", "+"), gold.replace("\\pm", "-"))
    if "_" in gold:
        yield from (re.sub("_[0-9]", "_7", gold), re.sub("_[0-9]", "", gold))


@pytest.mark.slow
def test_no_wrong_answer_is_right(grader: Grader) -> None:
    different = list(dict.fromkeys(GOLDS))
    wrong = [(gold, changed) for gold in different for changed in _changed(gold) if changed != gold]
    wrong += [(gold, different[at - step]) for at, gold in enumerate(different) for step in (1, 2, 3)]
    accepted = [
        (gold, answer)
        for gold, answer in wrong
        if grader.grade(ShortAnswer(form="math", gold=gold), rf"\boxed{{{answer}}}").right
    ]
    assert len(wrong) > 40
    assert accepted == []
