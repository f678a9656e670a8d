"""The base column is the base: bit for bit, in any company, after whatever came before.

On a CPU, so that equal means equal: the same sums in the same order.
"""

import contextlib
from collections.abc import Mapping
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenlab.answering.answerer import BASE, Answer, Ask, Listener, Messages, Sampling
from qwenlab.data.chat_template import prompt_text
from qwenlab.inference.generate import generate
from qwenlab.inference.load import Inference, load_inference
from qwenlab.recipe import ModelSettings, read_recipe
from qwenlab.training.engine import Engine
from tests.models.adapters import random_adapter
from tests.models.random_rows import TINY

TEXTS = ("Add two numbers.", "x", "Read a line and print it backwards, please.", "What is seven times six?")
CONVERSATIONS = [[{"role": "user", "content": text}] for text in TEXTS]
NAMES = (BASE, "one", "two")


@pytest.fixture(scope="module")
def model_settings() -> ModelSettings:
    return read_recipe(TINY).model.model_copy(update={"engine": "transformers"})


@pytest.fixture(scope="module")
def alone(model_settings: ModelSettings, engine: Engine) -> Inference:
    """The base as it is loaded where nobody ever heard of an adapter."""
    return load_inference(model_settings, engine, {})


@pytest.fixture(scope="module")
def loaded(model_settings: ModelSettings, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Inference:
    folder = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(("one", "two")):
        random_adapter(read_recipe(TINY), engine, seed, strength=0.1).save_adapter(folder / name)
    return load_inference(model_settings, engine, {name: folder / name for name in ("one", "two")})


def logits(loaded: Inference, names: list[str]) -> torch.Tensor:
    """Of every position of all conversations and of one token more, each answered by the model of that name."""
    prompts = [prompt_text(messages, loaded.tokenizer, None) for messages in CONVERSATIONS]
    inputs = loaded.tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    mask = inputs["attention_mask"]
    following = torch.arange(len(TEXTS))[:, None]
    with torch.inference_mode(), loaded.answering(names):
        read = loaded.model(**inputs)
        longer = torch.cat([mask, torch.ones_like(following)], dim=1)
        more = loaded.model(following, attention_mask=longer, past_key_values=read.past_key_values)
    return torch.cat([read.logits, more.logits], dim=1)


def check_honest(loaded: Inference, base: torch.Tensor, tuned: Mapping[str, torch.Tensor]) -> None:
    """In a batch of one column, and in a mixed one, every row is that of its model alone."""
    everybody = [BASE] * len(TEXTS)
    assert torch.equal(logits(loaded, everybody), base)
    mixed = logits(loaded, [BASE, "one", "two", BASE])
    assert torch.equal(mixed[[0, 3]], base[[0, 3]])
    for row, name in ((1, "one"), (2, "two")):
        assert not torch.equal(mixed[row], base[row])
        # Rows of one adapter are multiplied together, so their sums may run in another order than in a full batch.
        torch.testing.assert_close(mixed[row], tuned[name][row], rtol=1e-4, atol=1e-4)


def test_the_base_column_is_the_base_bit_for_bit(loaded: Inference, alone: Inference) -> None:
    tuned = {name: logits(loaded, [name] * len(TEXTS)) for name in ("one", "two")}
    base = logits(alone, [BASE] * len(TEXTS))
    for name in tuned:
        assert (tuned[name] - base).abs().max() > 0.1
    check_honest(loaded, base, tuned)


class Disturbed(Listener):
    """Leaves some rows at once, and fails at a row if told so."""

    def __init__(self, leaves: set[int], fails_at: int | None) -> None:
        self._leaves = leaves
        self._fails_at = fails_at

    def text(self, row: int, piece: str) -> None:
        if row == self._fails_at:
            raise ConnectionError("nobody listens")

    def done(self, row: int, answer: Answer) -> None:
        self.text(row, "")

    def gone(self, row: int) -> bool:
        return row in self._leaves


class Call(NamedTuple):
    """One batch, and what goes wrong in it."""

    rows: list[tuple[Messages, str]]
    temperature: float
    leaves: set[int]
    fails_at: int | None
    unknown: bool


CALLS = st.builds(
    Call,
    rows=st.lists(st.tuples(st.sampled_from(CONVERSATIONS), st.sampled_from(NAMES)), min_size=1, max_size=4),
    temperature=st.sampled_from([0.0, 1.0]),
    leaves=st.sets(st.integers(0, 3)),
    fails_at=st.none() | st.integers(0, 3),
    unknown=st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(CALLS, min_size=1, max_size=4))
def test_nothing_that_came_before_changes_it(loaded: Inference, alone: Inference, calls: list[Call]) -> None:
    base = logits(alone, [BASE] * len(TEXTS))
    tuned = {name: logits(loaded, [name] * len(TEXTS)) for name in ("one", "two")}
    for call in calls:
        asks = [Ask(messages, Sampling(4, call.temperature), name) for messages, name in call.rows]
        if call.unknown:
            asks[-1] = asks[-1]._replace(model="three")
        with contextlib.suppress(ConnectionError, KeyError):
            generate(loaded, asks, Disturbed(call.leaves, call.fails_at))
        check_honest(loaded, base, tuned)


def test_adapters_take_no_memory_of_another_base(loaded: Inference, alone: Inference) -> None:
    """Storages are counted once, however many parameters share them."""
    base = storages(alone)
    both = storages(loaded)
    adapters = sum(
        parameter.numel() * parameter.element_size()
        for name, parameter in loaded.model.named_parameters()
        if "lora_" in name
    )
    assert sum(both.values()) == sum(base.values()) + adapters
    assert adapters < 0.2 * sum(base.values())


def storages(loaded: Inference) -> dict[int, int]:
    """Bytes by address, of all parameters and buffers."""
    found = [*loaded.model.parameters(), *loaded.model.buffers()]
    return {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in found}
