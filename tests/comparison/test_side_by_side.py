"""Columns while they are written, and what is kept of them."""

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from qwenlab.answering.answerer import Answer, Ask, ContextError, Listener, Sampling
from qwenlab.answering.reasoning import Piece
from qwenlab.comparison.questions import typed
from qwenlab.comparison.side_by_side import SideBySide, comparison_of, cut_line, reasoning_line, stamp_line
from qwenlab.runs.comparisons import Comparison

QUESTIONS = [typed("One?"), typed("Two?", "Be kind.")]
MODELS = ("base", "mine")
MODES = dict.fromkeys(MODELS)
OURS = {
    "model": "tiny",
    "weights_sha256": "a" * 64,
    "template_sha256": "b" * 64,
    "adapter_sha256": None,
    "dtype": "float32",
    "device": "cpu",
}


class Echo:
    """Answers in two pieces with the question and the model's name; for as long as it is held, after the first."""

    names = MODELS

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()
        self.hung_up = threading.Event()
        self.refuses = ""

    def stamp(self, name: str) -> dict[str, Any]:
        return {"model": name, "endpoint": "here"}

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        assert listener
        for row, ask in enumerate(asks):
            listener.text(row, ask.messages[-1]["content"])
        while not self.free.wait(0.01):
            if listener.gone(0):
                self.hung_up.set()
                return [Answer("", "cancelled", 0, 0)] * len(asks)
        answers = []
        for row, ask in enumerate(asks):
            if ask.model == self.refuses:
                error = ContextError("too long")
                listener.failed(row, error)
                raise error
            listener.text(row, f" {ask.model}")
            answers.append(Answer(f"{ask.messages[-1]['content']} {ask.model}", "stop", 2, 1))
            listener.done(row, answers[-1])
        return answers


@pytest.fixture
def echo() -> Echo:
    return Echo()


def test_each_question_has_a_column_of_each_model(echo: Echo) -> None:
    asked = SideBySide(QUESTIONS, MODELS, Sampling(8), MODES)
    asked.answer(echo)
    assert [[column.text for column in columns] for columns in asked.columns] == [
        ["One? base", "One? mine"],
        ["Two? base", "Two? mine"],
    ]
    assert [column.model for column in asked.columns[1]] == list(MODELS)
    assert all(column.seconds > 0 and column.tokens == 2 for columns in asked.columns for column in columns)
    assert asked.columns[0][1].stamp == {"model": "mine", "endpoint": "here", "thinking": None}
    kept = comparison_of(QUESTIONS[1], Sampling(8, 0.5, seed=7), asked.columns[1], blind=True)
    assert (kept.max_tokens, kept.temperature, kept.seed, kept.problem, kept.blind) == (8, 0.5, 7, None, True)
    assert [message["role"] for message in kept.messages] == ["system", "user"]


def test_columns_are_seen_while_they_grow(echo: Echo) -> None:
    echo.free.clear()
    asked = SideBySide(QUESTIONS[:1], MODELS, Sampling(8), MODES)
    with closing(asked.watch(echo)) as states:
        assert [column.text for column in next(states)] == ["One?", "One?"]
        echo.free.set()
        *_, last = states
    assert [(column.text, column.answer is not None) for column in last] == [("One? base", True), ("One? mine", True)]
    assert [column.text for column in asked.columns[0]] == ["One? base", "One? mine"]


def test_who_leaves_hangs_up_and_waits_for_nobody(echo: Echo) -> None:
    echo.free.clear()
    asked = SideBySide(QUESTIONS[:1], MODELS, Sampling(8), MODES)
    states = asked.watch(echo)
    next(states)
    begun = time.monotonic()
    states.close()
    assert time.monotonic() - begun < 1
    assert echo.hung_up.wait(10)


def test_a_fault_stands_in_its_column_and_is_raised(echo: Echo) -> None:
    echo.refuses = "mine"
    asked = SideBySide(QUESTIONS[:1], MODELS, Sampling(8), MODES)
    with pytest.raises(ContextError, match="too long"):
        list(asked.watch(echo))
    assert [column.fault for column in asked.growing] == ["", "too long"]


def test_a_stamp_says_what_answered_and_where() -> None:
    assert stamp_line({"model": "my-lora", "endpoint": "http://there/v1"}) == "my-lora · at http://there/v1"
    assert stamp_line(OURS) == "tiny · weights aaaaaaaa · adapter off · template bbbbbbbb · float32 on cpu"
    assert "adapter on cccccccc" in stamp_line(OURS | {"adapter_sha256": "c" * 64})
    assert stamp_line({"model": "my-lora", "thinking": False}) == "my-lora · thinking off"


class Thinker(Echo):
    """Tells its mode as its reasoning, then answers; is cut while it thinks where it is asked for two."""

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        assert listener
        answers = []
        for row, ask in enumerate(asks):
            cut = ask.messages[-1]["content"] == "Two?"
            listener.told(
                row, [Piece(f"{ask.thinking} ", True), Piece("for long", True), *([] if cut else [Piece("A")])]
            )
            self.free.wait()
            text, finish = ("", "thinking") if cut else ("A", "stop")
            answers.append(Answer(text, finish, 9, 1, f"{ask.thinking} for long", 7))
            listener.done(row, answers[-1])
        return answers


def test_reasoning_grows_apart_and_is_kept_with_its_length() -> None:
    thinker = Thinker()
    thinker.free.clear()
    asked = SideBySide(QUESTIONS, MODELS, Sampling(8, max_thinking_tokens=5), {"base": True, "mine": False})
    with closing(asked.watch(thinker)) as states:
        assert next(states)[0][:3] == ("base", "A", "True for long")
        thinker.free.set()
        list(states)
    (base, mine), (cut, _) = asked.columns
    assert (base.reasoning, base.text, base.reasoning_tokens) == ("True for long", "A", 7)
    assert mine.reasoning == "False for long", "each in its own mode"
    assert (base.stamp["thinking"], mine.stamp["thinking"]) == (True, False)
    assert (cut_line(base), cut_line(cut)) == ("", "ran out of tokens while thinking")
    assert reasoning_line(base.reasoning, base.reasoning_tokens) == "reasoned for 7 tokens"
    assert reasoning_line(base.reasoning) == "reasoned for 13 characters"
    kept = comparison_of(QUESTIONS[0], Sampling(8, max_thinking_tokens=5), asked.columns[0], blind=False)
    assert kept.max_thinking_tokens == 5
    assert Comparison.model_validate_json(kept.model_dump_json()) == kept
