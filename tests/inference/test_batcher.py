"""The thread that owns the model: who is answered together, and what becomes of the others when something fails."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from qwenlab.inference import batcher as module
from qwenlab.inference.batcher import Batcher, Event, FullError, Row, ShortOfMemoryError
from qwenlab.inference.generate import Answer, Ask, Listener, Sampling, generate
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

    def __call__(self, loaded: Inference, asks: list[Ask], listener: Listener) -> list[Answer]:
        self.free.wait(30)
        self.sizes.append([len(ask.messages[0]["content"]) for ask in asks])
        if self.errors:
            raise self.errors.pop(0)
        return generate(loaded, asks, listener)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    found = Batches()
    monkeypatch.setattr(module, "generate", found)
    return found


@pytest.fixture
def batcher(loaded: Inference, batches: Batches) -> Iterator[Batcher]:
    found = Batcher(loaded, rows_at_once=4, longest_line=8)
    found.start()
    yield found
    batches.free.set()
    found.close()


class Asked:
    """A row, and what was heard of it."""

    def __init__(self, batcher: Batcher, length: int = 5, tokens: int = 3) -> None:
        self.heard: queue.Queue[Event] = queue.Queue()
        messages = [{"role": "user", "content": "x" * length}]
        self.row = Row(Ask(messages, Sampling(tokens)), batcher.count(messages), self.heard.put)

    def end(self) -> Answer | Exception:
        while isinstance(event := self.heard.get(timeout=30), str):
            pass
        return event


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_comes_together_is_answered_together_and_the_rest_after_it(batcher: Batcher, batches: Batches) -> None:
    asked = [Asked(batcher) for _ in range(6)]
    batcher.submit([each.row for each in asked])
    assert [isinstance(each.end(), Answer) for each in asked] == [True] * 6
    assert [len(sizes) for sizes in batches.sizes] == [4, 2]


def test_long_prompts_are_answered_apart_from_short_ones(
    batcher: Batcher, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHORT", 50)
    lengths = (5, 600, 9, 700)  # a byte is a token
    asked = [Asked(batcher, length) for length in lengths]
    batcher.submit([each.row for each in asked])
    for each in asked:
        each.end()
    assert batches.sizes == [[5, 9], [600, 700]]


def test_a_batch_has_no_more_tokens_than_it_may(
    batcher: Batcher, batches: Batches, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH_TOKENS", 2 * (256 + 10))
    asked = [Asked(batcher, tokens=10) for _ in range(4)]
    batcher.submit([each.row for each in asked])
    for each in asked:
        each.end()
    assert [len(sizes) for sizes in batches.sizes] == [2, 2]


def test_a_full_line_takes_all_rows_or_none(batcher: Batcher, batches: Batches) -> None:
    batches.free.clear()
    first = Asked(batcher)
    batcher.submit([first.row])
    wait_until(lambda: batcher.waiting == 0)
    waiting = [Asked(batcher) for _ in range(7)]
    batcher.submit([each.row for each in waiting])
    with pytest.raises(FullError):
        batcher.submit([Asked(batcher).row, Asked(batcher).row])
    assert batcher.waiting == 7
    # Who has gone makes room.
    waiting[0].row.gone = waiting[1].row.gone = True
    batcher.submit([Asked(batcher).row, Asked(batcher).row])
    end = waiting[0].end()
    assert isinstance(end, Answer)
    assert end.finish == "cancelled"
    batches.free.set()
    assert isinstance(first.end(), Answer)


def test_a_failure_is_told_to_its_batch_and_the_next_is_answered(
    batcher: Batcher, batches: Batches, capsys: pytest.CaptureFixture[str]
) -> None:
    batches.errors.append(ZeroDivisionError("broken"))
    failed, answered = Asked(batcher), Asked(batcher)
    batcher.submit([failed.row])
    assert isinstance(failed.end(), ZeroDivisionError)
    batcher.submit([answered.row])
    assert isinstance(answered.end(), Answer)
    assert "ZeroDivisionError: broken" in capsys.readouterr().err


def test_short_of_memory_it_goes_on_in_smaller_batches(batcher: Batcher, batches: Batches) -> None:
    batches.errors += [torch.OutOfMemoryError("too large"), torch.OutOfMemoryError("too large")]
    asked = [Asked(batcher, length) for length in (1, 2, 3, 4)]
    batcher.submit([each.row for each in asked])
    assert [isinstance(each.end(), Answer) for each in asked] == [True] * 4
    assert batches.sizes == [[1, 2, 3, 4], [1, 2], [1], [2], [3], [4]]
    batches.errors.append(torch.OutOfMemoryError("too large"))
    alone = Asked(batcher)
    batcher.submit([alone.row])
    assert isinstance(alone.end(), ShortOfMemoryError)


def test_closing_ends_what_runs_and_refuses_what_waits(loaded: Inference, batches: Batches) -> None:
    batcher = Batcher(loaded, rows_at_once=1)
    batcher.start()
    running, waiting = Asked(batcher, tokens=900), Asked(batcher)
    batcher.submit([running.row, waiting.row])
    assert isinstance(running.heard.get(timeout=30), str)
    batcher.close()
    end = running.end()
    assert isinstance(end, Answer)
    assert end.finish == "cancelled"
    assert isinstance(waiting.end(), FullError)
    with pytest.raises(FullError):
        batcher.submit([Asked(batcher).row])
