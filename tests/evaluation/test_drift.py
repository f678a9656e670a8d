"""Drift: which conversations are read, and what is made of them. The reader is a script."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from qwenlab.answering.answerer import Messages
from qwenlab.answering.likelihood import Conversation, LetterShares, Likelihood
from qwenlab.errors import UserError
from qwenlab.evaluation import drift
from qwenlab.evaluation.drift import drift_of, measure, neutral
from qwenlab.report.drift import sentence, table
from qwenlab.runs.drift import Drift
from tests.ui.made import made_run


class Scripted:
    """Finds each conversation a little likelier with the adapter, or what it is told to find."""

    def __init__(self, *found: Likelihood) -> None:
        self.read: list[Conversation] = []
        self._found = found

    def likelihoods(self, conversations: Sequence[Conversation], model: str, thinking: bool | None) -> list[Likelihood]:
        begin = len(self.read)
        self.read += conversations
        made = [Likelihood(10, 2.0 + n % 3, 1.9 + n % 3 + n % 2 / 20, 0.1 + n % 2 / 50) for n in range(200)]
        return list((self._found or tuple(made))[begin : begin + len(conversations)])

    def letters(self, messages: Messages, choices: Sequence[str], model: str, thinking: bool | None) -> LetterShares:
        raise AssertionError("drift asks for no letters")


def test_every_conversation_counts_once() -> None:
    reader = Scripted()
    found = measure(reader, "tuned", None, "abc")
    assert sorted(map(str, reader.read)) == sorted(map(str, neutral()[0]))
    assert (found.conversations, found.available, found.tokens, found.adapter_sha256) == (200, 200, 2000, "abc")
    assert found.divergence.value == pytest.approx(0.11)
    assert found.divergence.interval and found.divergence.interval.low < 0.11 < found.divergence.interval.high
    assert found.losses.before and found.losses.after and found.losses.difference
    assert found.losses.difference.value == pytest.approx(-0.075)


def test_the_order_is_mixed_and_always_the_same() -> None:
    first, version = neutral()
    again, _ = neutral()
    assert first == again
    assert len(version) == 64
    lines = drift.NEUTRAL.read_text(encoding="utf-8").splitlines()
    assert str(first[0]) not in lines[0]


def test_with_little_time_fewer_are_read_and_it_says_how_many() -> None:
    seconds = iter(range(0, 10_000, 100))
    reader = Scripted()
    found = measure(reader, "tuned", None, "abc", clock=lambda: next(seconds))
    assert found.conversations == len(reader.read) == drift.LEAST == 30
    assert "on 30 of 200 neutral conversations" in sentence(found)
    assert "On 30 of 200 neutral conversations" in table(found).note


def test_what_the_context_leaves_nothing_of_is_left_out() -> None:
    nothing = Likelihood(0, 0.0, 0.0, 0.0)
    found = measure(Scripted(*[Likelihood(5, 2.0, 2.0, 0.0), nothing] * 100), "tuned", None, "abc")
    assert (found.conversations, found.tokens) == (100, 500)
    with pytest.raises(UserError, match="too small for any"):
        measure(Scripted(*[nothing] * 200), "tuned", None, "abc")


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_told(wrong: float) -> None:
    with pytest.raises(UserError, match="infinite or not a number"):
        measure(Scripted(*[Likelihood(5, 2.0, wrong, 0.1)] * 200), "tuned", None, "abc")


def test_a_run_is_measured_once_for_each_adapter(tmp_path: Path) -> None:
    run = made_run(tmp_path, "made")
    assert run.drift is None
    reader = Scripted()
    first = drift_of(run, reader, "tuned", None, "abc")
    assert run.drift == first == drift_of(run, reader, "tuned", None, "abc")
    assert len(reader.read) == 200, "the second time it is known"
    other = drift_of(run, Scripted(), "tuned", None, "other")
    assert run.drift == other != first


def test_the_sentence_says_what_was_found() -> None:
    found = measure(Scripted(), "tuned", None, "abc")
    assert sentence(found) == (
        "Drift: 0.110 nats/token from the base on 200 neutral conversations; the loss on them went from 2.995 to 2.920 "
        "(better, p = 0.0002)"
    )
    rows = table(found).rows
    assert [row[:3] for row in rows] == [
        ("divergence from the base", "", "0.110 [0.109 to 0.111]"),
        ("loss", *rows[1][1:3]),
    ]
    assert rows[1][1:3] == ("2.995", "2.920") and rows[1][3].startswith("-0.075 [-0.07") and rows[1][4] == "0.0002"


@pytest.mark.parametrize(
    ("tuned", "divergence", "said"),
    [
        (2.0, 0.0, "Drift: 0.000 nats/token from the base on 200 neutral conversations; the loss on them went from "
         "2.000 to 2.000 (no change shown, p = 1)"),
        (2.5, 0.0001, "Drift: <0.001 nats/token"),
    ],
)  # fmt: skip
def test_nothing_is_rounded_away_and_no_change_is_none(tuned: float, divergence: float, said: str) -> None:
    found = measure(Scripted(*[Likelihood(5, 2.0, tuned, divergence)] * 200), "tuned", None, "abc")
    assert sentence(found).startswith(said)
    assert table(found).rows


def test_what_was_measured_reads_back_equal() -> None:
    found = measure(Scripted(), "tuned", None, "abc")
    assert Drift.model_validate_json(found.model_dump_json()) == found
