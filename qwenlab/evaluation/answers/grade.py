"""Whether a short answer is right: what it holds, found and compared as its form asks.

Nothing is bent towards the right answer: what is found does not depend on the gold value, which is read out of its cell
by the same rules. Where the rules find nothing, or several answers, the answer is not right.
"""

import re
from types import TracebackType
from typing import NamedTuple, Self

from qwenlab.evaluation.answers import choice, expression, json_value, latex, number, pattern, text
from qwenlab.evaluation.answers.found import MARKS, Found
from qwenlab.evaluation.answers.gold import gold_value
from qwenlab.evaluation.answers.mathematics import Mathematics
from qwenlab.evaluation.item import ShortAnswer

SLOW = "took too long"

LAST_WORD = re.compile(r"\S+\Z")


class Grade(NamedTuple):
    """What was read out of an answer, and whether it is right."""

    found: str
    """Empty: nothing was."""
    rule: str
    """How it was found, or why nothing was."""
    right: bool

    @property
    def is_marked(self) -> bool:
        """The answer itself names the value as its answer: after `####`, in a box, or after "the answer is"."""
        return self.rule in MARKS


class Grader:
    """Grades answers without their reasoning. For mathematics it keeps a process, which `close` ends."""

    def __init__(self) -> None:
        self.mathematics = Mathematics()

    def grade(self, task: ShortAnswer, answer: str) -> Grade:
        """Whether an answer is right. No answer can raise an error or take longer than some seconds.

        Raises:
            UserError: the task's pattern is no regular expression, or math-verify cannot be started.
        """
        match task.form:
            case "number":
                found = number.find(answer)
                return _grade(found, number.same(gold_value(task), found.value))
            case "choice":
                found = choice.find(answer)
                return _grade(found, choice.same(gold_value(task), found.value))
            case "json":
                found = json_value.find(answer)
                return _grade(found, json_value.same(gold_value(task), found.value))
            case "text":
                return _text(gold_value(task), answer)
            case "contains":
                return Grade(answer.strip(), "whole text", text.contains(answer, task.gold))
            case "regex":
                found = pattern.find(answer, task.pattern)
                return _grade(found, text.same(gold_value(task) or task.gold, found.value))
            case "math":
                return self._math(gold_value(task), answer)

    def grade_cut(self, task: ShortAnswer, answer: str) -> Grade:
        """Whether an answer is right that ran out of tokens.

        It is, where a mark had named the value before: what an unfinished text happens to hold last is not its answer.
        The cut may be inside the last word, `#### 7` of 72, so that word counts only where a box is closed.

        Raises:
            As `grade`.
        """
        grade = self.grade(task, answer)
        if grade.rule != "boxed":
            grade = self.grade(task, LAST_WORD.sub("", answer))
        return grade._replace(right=grade.right and grade.is_marked)

    def close(self) -> None:
        self.mathematics.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _math(self, gold: str, answer: str) -> Grade:
        found = expression.find(answer)
        verdict = latex.compare(gold, found.value) if found.value else False
        if isinstance(verdict, latex.Undecided):
            equal = self.mathematics.are_equal(verdict.gold, verdict.answer)
            return Grade(found.value, found.rule if equal is not None else SLOW, bool(equal))
        return Grade(found.value, found.rule, verdict)


def _grade(found: Found, right: bool) -> Grade:
    return Grade(found.value, found.rule, right)


def _text(gold: str, answer: str) -> Grade:
    found = text.find(answer)
    if text.same(gold, answer):
        return Grade(answer.strip(), "whole text", right=True)
    return _grade(found, text.same(gold, found.value))
