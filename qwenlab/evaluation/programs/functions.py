"""Functions judged by assertions, as in HumanEval and MBPP: one program of the model's code and what is asserted of it.

Code may print, and may end its process, before anything is asserted. So the program's last line is a mark that is
written behind the assertions, and accepted is only what ended well with the mark as its last line. This is a guard
against accidents: the mark stands in the program, and code that sets out to find it can.
"""

import hashlib
import re

from qwenlab.evaluation.programs.problem import Problem, Test

TIME_LIMIT_S = 1.0
"""Three times as much for Python, by the judge's factor: 3 s, as HumanEval's own harness gives."""

NOT_MAIN = '__name__ = "solution"; __import__("sys").modules[__name__] = __import__("sys").modules["__main__"]'
"""Demonstrations below `if __name__ == "__main__"` are not run, as where the benchmarks' own harnesses `exec` code."""

ENDED_EARLY = "The program ended before all assertions had been run."

FUTURE = re.compile(r"^from __future__ import [\w, ]+\n", re.MULTILINE)


def function_problem(name: str, description: str, assertions: str, preamble: str = "") -> Problem:
    """A problem whose answer is a function.

    `preamble` may end with the head of the function, which the answer may then go on with; a whole function replaces
    it. Without an answer, the assertions must fail.
    """
    mark = hashlib.sha256(f"{name}\n{assertions}".encode()).hexdigest()[:16]
    return Problem(
        name=name,
        description=description,
        preamble=preamble,
        harness=f"{assertions}\nprint('\\n{mark}')\n",
        tests=(Test("", mark),),
        time_limit_s=TIME_LIMIT_S,
    )


def whole_program(problem: Problem, code: str) -> str:
    """What is run: the code itself, or with what stands around it; imports from `__future__` must come first."""
    if not problem.harness:
        return code
    future = "".join(FUTURE.findall(code))
    return f"{future}{NOT_MAIN}\n{problem.preamble}{FUTURE.sub('', code)}\n{problem.harness}"
