"""Answers in one batch: each row by its own adapter, sampling, stop texts and end."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from qwenlab.answering.answerer import BASE, NO_ROOM, Answer, Ask, ContextError, Listener, Sampling
from qwenlab.errors import UserError
from qwenlab.inference import generate as module
from qwenlab.inference.generate import COLDEST, DrawError, generate
from qwenlab.inference.load import Inference, load_inference
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.training.engine import Engine
from tests.models.adapters import random_adapter
from tests.models.random_rows import TINY

TEXTS = ("hello", "a much longer question than that", "x")
CONVERSATIONS = [[{"role": "user", "content": text}] for text in TEXTS]
GREEDY = Sampling(8)
WARM = Sampling(8, temperature=1.5, top_p=0.9)


@pytest.fixture(scope="module")
def loaded(qwen: Path, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Inference:
    """A base with two adapters that answer otherwise."""
    recipe = read_recipe(TINY).with_values(model={"name": str(qwen), "engine": "transformers"})
    folder = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(("one", "two")):
        random_adapter(recipe, engine, seed).save_adapter(folder / name)
    return load_inference(recipe.model, engine, {name: folder / name for name in ("one", "two")})


class Heard(Listener):
    """Keeps what it hears; leaves the rows in `leaving` after so many pieces."""

    def __init__(self, leaving: dict[int, int] | None = None) -> None:
        self.pieces: dict[int, list[str]] = {}
        self.ended: dict[int, Answer] = {}
        self._leaving = leaving or {}

    def text(self, row: int, piece: str) -> None:
        assert row not in self.ended
        self.pieces.setdefault(row, []).append(piece)

    def done(self, row: int, answer: Answer) -> None:
        assert row not in self.ended
        self.ended[row] = answer

    def gone(self, row: int) -> bool:
        return len(self.pieces.get(row, [])) >= self._leaving.get(row, 1000)


def test_a_mixed_batch_answers_as_each_alone(loaded: Inference) -> None:
    asks = [Ask(messages, GREEDY, name) for messages in CONVERSATIONS for name in loaded.names]
    together = generate(loaded, asks)
    assert together == [generate(loaded, [ask])[0] for ask in asks]
    for first in range(0, len(asks), 3):
        assert len({answer.text for answer in together[first : first + 3]}) == 3, "each adapter answers otherwise"


def test_the_base_answers_as_without_any_adapter(loaded: Inference, recipe: Recipe, engine: Engine) -> None:
    alone = load_inference(recipe.model, engine, {})
    asks = [Ask(messages, GREEDY) for messages in CONVERSATIONS]
    assert generate(loaded, asks) == generate(alone, asks)


def test_samples_depend_on_the_row_s_own_seed_alone(loaded: Inference) -> None:
    ask = Ask(CONVERSATIONS[0], WARM._replace(seed=7), "one")
    others = [Ask(messages, WARM._replace(seed=seed)) for seed, messages in enumerate(CONVERSATIONS)]
    [alone] = generate(loaded, [ask])
    assert generate(loaded, [ask, *others])[0] == alone
    assert generate(loaded, [*others, Ask(CONVERSATIONS[1], GREEDY), ask])[-1] == alone
    assert generate(loaded, [ask._replace(sampling=WARM._replace(seed=8))])[0].text != alone.text


def test_greedy_rows_stay_greedy_beside_sampled_ones(loaded: Inference) -> None:
    ask = Ask(CONVERSATIONS[1], GREEDY)
    assert generate(loaded, [Ask(CONVERSATIONS[0], WARM), ask])[1] == generate(loaded, [ask])[0]


def test_the_smallest_nucleus_is_greedy(loaded: Inference) -> None:
    ask = Ask(CONVERSATIONS[0], Sampling(8, temperature=1.0, top_p=1e-9, seed=3))
    assert generate(loaded, [ask]) == generate(loaded, [Ask(CONVERSATIONS[0], GREEDY)])


def test_an_answer_ends_at_its_own_length(loaded: Inference) -> None:
    short, long = generate(loaded, [Ask(CONVERSATIONS[0], Sampling(3)), Ask(CONVERSATIONS[0], Sampling(9))])
    assert (short.finish, short.tokens) == ("length", 3)
    assert long.tokens == 9
    assert long.text.startswith(short.text)


def test_an_answer_ends_before_a_stop_text_and_no_part_of_it_is_told(loaded: Inference) -> None:
    [whole] = generate(loaded, [Ask(CONVERSATIONS[0], Sampling(20), "one")])
    stop = whole.text[5:8]
    at = whole.text.index(stop)
    heard = Heard()
    [answer] = generate(loaded, [Ask(CONVERSATIONS[0], Sampling(20, stop=("never", stop)), "one")], heard)
    assert (answer.text, answer.finish) == (whole.text[:at], "stop")
    assert answer.tokens < whole.tokens
    assert "".join(heard.pieces[0]) == answer.text


def test_what_only_begins_like_a_stop_text_is_told_in_the_end(loaded: Inference) -> None:
    [whole] = generate(loaded, [Ask(CONVERSATIONS[0], Sampling(20), "one")])
    heard = Heard()
    stop = whole.text[-2:] + "never"
    [answer] = generate(loaded, [Ask(CONVERSATIONS[0], Sampling(20, stop=(stop,)), "one")], heard)
    assert answer == whole
    assert "".join(heard.pieces[0]) == whole.text


def test_pieces_are_told_as_they_come_and_make_the_answer(loaded: Inference) -> None:
    heard = Heard()
    answers = generate(loaded, [Ask(messages, Sampling(12), "one") for messages in CONVERSATIONS], heard)
    assert [heard.ended[row] for row in range(3)] == answers
    assert ["".join(heard.pieces[row]) for row in range(3)] == [answer.text for answer in answers]
    assert all(len(heard.pieces[row]) > 1 for row in range(3))


def test_a_row_that_nobody_waits_for_ends_and_the_others_go_on(loaded: Inference) -> None:
    asks = [Ask(messages, Sampling(12), "two") for messages in CONVERSATIONS]
    gone, *others = generate(loaded, asks, Heard(leaving={0: 2}))
    assert gone.finish == "cancelled"
    assert gone.tokens < 12
    assert others == generate(loaded, asks)[1:]


def test_the_end_token_ends_an_answer_and_is_counted(loaded: Inference) -> None:
    ask = Ask(CONVERSATIONS[0], Sampling(200, temperature=2.0, seed=1))
    [answer] = generate(loaded, [ask])
    assert answer.finish == "stop", "of 264 tokens drawn nearly evenly one is the end"
    assert answer.tokens < 200
    assert "<|im_end|>" not in answer.text


def test_prompt_tokens_are_the_row_s_own_without_padding(loaded: Inference) -> None:
    short, long, _ = generate(loaded, [Ask(messages, GREEDY) for messages in CONVERSATIONS])
    assert long.prompt_tokens - short.prompt_tokens == len(TEXTS[1]) - len(TEXTS[0]), "a token a byte"


def test_what_does_not_fit_into_the_context_is_refused(loaded: Inference) -> None:
    with pytest.raises(ContextError, match="context is 1,024"):
        generate(loaded, [Ask(CONVERSATIONS[0], Sampling(1020))])


def test_an_answer_that_may_be_shortened_takes_the_room_that_there_is(loaded: Inference) -> None:
    full = [{"role": "user", "content": "x" * loaded.context}]
    nearly = [{"role": "user", "content": "x" * (loaded.context - 60)}]
    heard = Heard()
    asks = [Ask(messages, Sampling(1000), shorten=True) for messages in (full, nearly)] + [Ask(nearly, Sampling(2))]
    none, short, other = generate(loaded, asks, heard)
    assert none == NO_ROOM
    assert short.prompt_tokens + short.tokens == loaded.context
    assert short.finish == "length"
    assert heard.ended == {0: none, 1: short, 2: other}, "each by its own number"


def test_a_conversation_that_the_template_refuses_is_a_sentence(
    loaded: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded.tokenizer, "chat_template", "{{ raise_exception('no system here') }}")
    with pytest.raises(UserError, match="template refuses this conversation: no system here"):
        generate(loaded, [Ask(CONVERSATIONS[0], GREEDY)])


def test_an_unknown_adapter_is_an_error_and_nothing_is_generated(loaded: Inference) -> None:
    with pytest.raises(KeyError):
        generate(loaded, [Ask(CONVERSATIONS[0], GREEDY, "three")])
    assert generate(loaded, [Ask(CONVERSATIONS[0], GREEDY, BASE)])[0].tokens


def test_what_is_no_adapter_is_refused(recipe: Recipe, engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no adapter"):
        load_inference(recipe.model, engine, {"empty": tmp_path})


def test_a_base_from_the_hub_is_named_as_there(recipe: Recipe, engine: Engine, tmp_path: Path) -> None:
    trained = random_adapter(recipe, engine, seed=0)
    trained.source = trained.source._replace(name="Qwen/Some-Model", revision="abc123")
    trained.save_adapter(tmp_path / "adapter")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("Qwen/Some-Model", "abc123")


@pytest.mark.parametrize(
    "extreme",
    [{"temperature": 5e-324}, {"temperature": 1e-38}, {"temperature": 1e-6}, {"top_p": 5e-324}, {"top_p": 1e-46}],
)
def test_extreme_numbers_are_greedy_and_hurt_no_other_row(loaded: Inference, extreme: dict[str, Any]) -> None:
    greedy, cold = Ask(CONVERSATIONS[0], GREEDY), Ask(CONVERSATIONS[0], WARM._replace(**extreme))
    warm = Ask(CONVERSATIONS[1], WARM)
    together = generate(loaded, [cold, warm, greedy])
    assert together[0] == together[2]
    assert together[1] == generate(loaded, [warm])[0]


def test_the_smallest_numbers_that_are_drawn_by_draw_what_is_likeliest(loaded: Inference) -> None:
    asks = [Ask(CONVERSATIONS[0], sampling) for sampling in (GREEDY, WARM._replace(temperature=COLDEST))]
    assert len({answer.text for answer in generate(loaded, asks)}) == 1


def test_a_row_for_which_nothing_can_be_drawn_fails_alone(loaded: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose weights overflow has logits that are no numbers."""
    draw = module._draw

    def broken(logits: torch.Tensor, sampling: Sampling, generator: torch.Generator) -> int:
        return draw(logits * (torch.nan if sampling.seed == 13 else 1.0), sampling, generator)

    monkeypatch.setattr(module, "_draw", broken)
    asks = [Ask(messages, WARM._replace(seed=seed)) for messages, seed in zip(CONVERSATIONS, (1, 13, 2), strict=True)]
    heard = Failures()
    with pytest.raises(DrawError):
        generate(loaded, asks, heard)
    assert list(heard.failures) == [1] and set(heard.ended) == {0, 2}
    assert heard.ended[2] == generate(loaded, [asks[2]])[0]


class Failures(Heard):
    """Keeps the failures too."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: dict[int, Exception] = {}

    def failed(self, row: int, error: Exception) -> None:
        self.failures[row] = error
