"""Functions judged by assertions, in a real sandbox: what passes, what does not, and what is said of it."""

import pytest

from qwenlab.evaluation.programs.functions import ENDED_EARLY, function_problem
from qwenlab.evaluation.programs.judge import Program, judge
from qwenlab.evaluation.programs.results import FailingTest, JudgeSettings, ProgramResult
from qwenlab.evaluation.programs.sandbox.launched import LaunchedSandbox
from qwenlab.evaluation.programs.verdict import Verdict

PREAMBLE = '''\
from math import sqrt


def root(x: float) -> float:
    """The square root of x."""
'''
PROBLEM = function_problem("root", "", "assert root(4) == 2\nassert root(9) == 3", PREAMBLE)

RIGHT = {
    "a whole function": "def root(x):\n    return x ** 0.5",
    "what the preamble imports": "def root(x):\n    return sqrt(x)",
    "the body alone": "    return sqrt(x)\n",
    "a body of several lines": "\n    found = sqrt(x)\n    return found",
    "a body and what it needs": "    return half(x)\n\ndef half(x):\n    return x ** 0.5",
    "the preamble again": PREAMBLE + "    return sqrt(x)\n",
    "talk on the way": "print('trying', end='')\ndef root(x):\n    print(x, end='')\n    return sqrt(x)",
    "a demonstration": "def root(x):\n    return sqrt(x)\nif __name__ == '__main__':\n    print(root(int(input())))",
    "an import from the future": "from __future__ import annotations\ndef root(x: Number):\n    return sqrt(x)",
    "a dataclass": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Number:\n    x: float\ndef root(x):\n    return sqrt(Number(x).x)"
    ),
}
WRONG = {
    "a wrong value": "def root(x):\n    return x / 2",
    "nothing": "",
    "another name": "def square_root(x):\n    return sqrt(x)",
    "an exit before": "import sys\nsys.exit(0)",
    "an exit within": "def root(x):\n    raise SystemExit",
    "an end of the process within": "import os\ndef root(x):\n    os._exit(0)",
    "an exit at the second call": "def root(x):\n    return 2 if x == 4 else exit()",
    "an end of the process at its exit": "import atexit, os\natexit.register(os._exit, 0)\ndef root(x):\n    return x",
}


def judged(sandbox: LaunchedSandbox, code: str) -> ProgramResult:
    (result,) = judge([Program("root", PROBLEM, code)], sandbox, JudgeSettings())
    return result


def failing(sandbox: LaunchedSandbox, code: str) -> FailingTest:
    test = judged(sandbox, code).failing_test
    assert test
    return test


@pytest.mark.parametrize("code", RIGHT.values(), ids=RIGHT)
def test_what_is_accepted(sandbox: LaunchedSandbox, code: str) -> None:
    result = judged(sandbox, code)
    assert (result.verdict, result.strict, result.deepmind) == (Verdict.AC,) * 3, result.failing_test


@pytest.mark.parametrize("code", WRONG.values(), ids=WRONG)
def test_what_is_a_wrong_answer(sandbox: LaunchedSandbox, code: str) -> None:
    result = judged(sandbox, code)
    assert (result.verdict, result.strict, result.deepmind) == (Verdict.WA,) * 3, result.failing_test


def test_a_failed_assertion_is_told_as_python_tells_it(sandbox: LaunchedSandbox) -> None:
    test = failing(sandbox, "def root(x):\n    print('hm')\n    return 2")
    assert (test.input, test.expected, test.got) == ("", "", "hm\nhm\n")
    assert "assert root(9) == 3" in test.error
    assert test.error.endswith("AssertionError\n")


def test_an_early_end_is_told(sandbox: LaunchedSandbox) -> None:
    test = failing(sandbox, "print('done')\nraise SystemExit(0)")
    assert (test.expected, test.got, test.error) == ("", "done\n", ENDED_EARLY)


def test_an_exception_and_a_loop_are_what_they_are_elsewhere(sandbox: LaunchedSandbox) -> None:
    assert judged(sandbox, "def root(x):\n    return 1 / 0").verdict == Verdict.RE
    assert judged(sandbox, "def root(x:").verdict == Verdict.RE
    loop = failing(sandbox, "def root(x):\n    while True:\n        pass")
    assert (loop.verdict, loop.error) == (Verdict.TLE, "")


def test_the_mark_is_not_the_same_for_two_problems() -> None:
    other = function_problem("other", "", "assert root(4) == 2\nassert root(9) == 3", PREAMBLE)
    assert other.tests != PROBLEM.tests
