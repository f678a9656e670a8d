"""The thread that owns the model: who is answered together, and what becomes of the others when something fails."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from qwenlab.answering.answerer import Answer, Ask, ContextError, Listener, Sampling, TooLargeError
from qwenlab.answering.reasoning import Piece
from qwenlab.inference import batcher as module
from qwenlab.inference.batcher import Batcher, Event, FullError
from qwenlab.inference.generate import Prompt, answer_prompts, generate, read
from qwenlab.inference.load import Inference, load_inference
from qwenlab.recipe import read_recipe
from qwenlab.training.engine import Engine
from tests.models.random_rows import TINY


@pytest.fixture(scope="module")
def loaded(qwen: Path, engine: Engine) -> Inference:
    recipe = read_recipe(TINY).with_values(model={"name": str(qwen), "engine": "transformers"})
    return load_inference(recipe.model, engine, {})


class Batches:
    """Generates as ever and notes the batches; may be held, and may fail."""

    def __init__(self) -> None:
        self.sizes: list[list[int]] = []
        self.errors: list[Exception] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, loaded: Inference, prompts: dict[int, Prompt], listener: Listener) -> dict[int, Answer]:
        self.free.wait(30)
        self.sizes.append([len(prompt.ids) - len(read(loaded, question(0)).ids) for prompt in prompts.values()])
        if self.errors:
            raise self.errors.pop(0)
        return answer_prompts(loaded, prompts, listener)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    found = Batches()
    monkeypatch.setattr(module, "answer_prompts", found)
    return found


@pytest.fixture
def batcher(loaded: Inference, batches: Batches) -> Iterator[Batcher]:
    found = Batcher(loaded, rows_at_once=4, longest_line=8)
    found.start()
    yield found
    batches.free.set()
    found.close()


def question(length: int = 5, tokens: int = 3) -> Ask:
    """Of so many bytes, which are tokens."""
    return Ask([{"role": "user", "content": "x" * length}], Sampling(tokens))


class Asked:
    """Rows that are on their way, and what was heard of them."""

    def __init__(self, batcher: Batcher, ask: Ask | None = None, count: int = 1, streams: bool = True) -> None:
        self.heard = [queue.Queue[Event]() for _ in range(count)]
        self.rows = batcher.submit(
            ask or question(), count, lambda number, event: self.heard[number].put(event), streams
        )

    def end(self, number: int = 0) -> Answer | Exception:
        while isinstance(event := self.heard[number].get(timeout=30), Piece):
            pass
        return event


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_comes_together_is_answered_together_and_the_rest_after_it(batcher: Batcher, batches: Batches) -> None:
    asked = Asked(batcher, count=6)
    assert [isinstance(asked.end(number), Answer) for number in range(6)] == [True] * 6
    assert [len(sizes) for sizes in batches.sizes] == [4, 2]


def test_several_answers_to_a_question_have_a_seed_each(batcher: Batcher, loaded: Inference) -> None:
    warm = question()._replace(sampling=Sampling(8, temperature=2.0, seed=2**63 - 1))
    seeds = (2**63 - 1, 0, 1)
    each = generate(loaded, [warm._replace(sampling=warm.sampling._replace(seed=seed)) for seed in seeds])
    assert len({answer.text for answer in each}) == 3
    asked = Asked(batcher, warm, 3)
    assert [asked.end(number) for number in range(3)] == each


def test_what_does_not_fit_is_refused_and_waits_for_nobody(batcher: Batcher) -> None:
    with pytest.raises(ContextError, match="context is 1,024"):
        Asked(batcher, question(1024))
    assert batcher.waiting == 0


def all_at_once(batcher: Batcher, batches: Batches, asks: list[Ask]) -> None:
    """Have them wait together behind another, and all answered."""
    batches.free.clear()
    first = Asked(batcher)
    wait_until(lambda: batcher.waiting == 0)
    asked = [Asked(batcher, ask) for ask in asks]
    batches.free.set()
    for each in (first, *asked):
        each.end()
    del batches.sizes[0]


def test_long_prompts_are_answered_apart_from_short_ones(
    batcher: Batcher, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHORT", 50)
    all_at_once(batcher, batches, [question(length) for length in (5, 600, 9, 700)])
    assert batches.sizes == [[5, 9], [600, 700]]


def test_a_batch_has_no_more_tokens_than_it_may(
    batcher: Batcher, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_TOKENS", 2 * (256 + 10))
    asked = Asked(batcher, question(tokens=10), count=4)
    for number in range(4):
        asked.end(number)
    assert [len(sizes) for sizes in batches.sizes] == [2, 2]


def test_a_full_line_takes_all_rows_or_none(batcher: Batcher, batches: Batches) -> None:
    batches.free.clear()
    first = Asked(batcher)
    wait_until(lambda: batcher.waiting == 0)
    waiting = Asked(batcher, count=7)
    with pytest.raises(FullError):
        Asked(batcher, count=2)
    assert batcher.waiting == 7
    # Who has gone makes room.
    waiting.rows[0].gone = waiting.rows[1].gone = True
    Asked(batcher, count=2)
    end = waiting.end()
    assert isinstance(end, Answer)
    assert end.finish == "cancelled"
    batches.free.set()
    assert isinstance(first.end(), Answer)


def test_a_failure_is_told_to_its_batch_and_the_next_is_answered(
    batcher: Batcher, batches: Batches, capsys: pytest.CaptureFixture[str]
) -> None:
    batches.errors.append(ZeroDivisionError("broken"))
    assert isinstance(Asked(batcher).end(), ZeroDivisionError)
    assert isinstance(Asked(batcher).end(), Answer)
    assert "ZeroDivisionError: broken" in capsys.readouterr().err


def test_after_a_failure_each_row_is_answered_by_itself(batcher: Batcher, batches: Batches) -> None:
    batches.errors += [ValueError("broken"), ValueError("again")]
    asked = Asked(batcher, count=4)
    ends = [asked.end(number) for number in range(4)]
    assert [len(sizes) for sizes in batches.sizes] == [4, 1, 1, 1, 1]
    assert [isinstance(end, Answer) for end in ends] == [False, True, True, True]


def test_a_row_that_was_told_of_is_not_begun_again(batcher: Batcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(loaded: Inference, prompts: dict[int, Prompt], listener: Listener) -> dict[int, Answer]:
        if len(prompts) == 1:
            return answer_prompts(loaded, prompts, listener)
        listener.told(0, [Piece("x")])
        raise ValueError("broken")

    monkeypatch.setattr(module, "answer_prompts", breaks)
    asked = Asked(batcher, count=2)
    assert isinstance(asked.end(0), ValueError) and isinstance(asked.end(1), Answer)
    whole = Asked(batcher, count=2, streams=False)
    assert all(isinstance(whole.end(number), Answer) for number in range(2)), (
        "nothing was told to who waits for the end"
    )


def test_a_row_that_fails_is_told_at_once_and_alone(batcher: Batcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(loaded: Inference, prompts: dict[int, Prompt], listener: Listener) -> dict[int, Answer]:
        listener.failed(0, ValueError("nothing drawn"))
        rest = {number: prompt for number, prompt in prompts.items() if number}
        answer_prompts(loaded, rest, listener)
        raise ValueError("nothing drawn")

    monkeypatch.setattr(module, "answer_prompts", fails)
    asked = Asked(batcher, count=3)
    assert [isinstance(asked.end(number), Answer) for number in range(3)] == [False, True, True]


def test_short_of_memory_it_goes_on_in_smaller_batches(batcher: Batcher, batches: Batches) -> None:
    batches.errors += [torch.OutOfMemoryError("too large"), torch.OutOfMemoryError("too large")]
    asked = Asked(batcher, count=4)
    assert [isinstance(asked.end(number), Answer) for number in range(4)] == [True] * 4
    assert [len(sizes) for sizes in batches.sizes] == [4, 2, 1, 1, 1, 1]
    batches.errors.append(torch.OutOfMemoryError("too large"))
    assert isinstance(Asked(batcher).end(), TooLargeError)


def test_closing_ends_what_runs_and_refuses_what_waits(loaded: Inference, batches: Batches) -> None:
    batcher = Batcher(loaded, rows_at_once=1)
    batcher.start()
    running, waiting = Asked(batcher, question(tokens=900)), Asked(batcher)
    wait_until(lambda: batcher.running == 1 and batcher.waiting == 1)
    batcher.close()
    end = running.end()
    assert isinstance(end, Answer)
    assert end.finish == "cancelled"
    assert isinstance(waiting.end(), FullError)
    with pytest.raises(FullError):
        Asked(batcher)
