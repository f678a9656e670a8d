"""Answers of models that think: the prompt of each mode, reasoning apart from the answer, a budget for each."""

from pathlib import Path

import pytest

from qwenlab.answering.answerer import NO_ROOM, Answer, Ask, ContextError, Listener, Sampling
from qwenlab.data.chat_template import prompt_text
from qwenlab.inference.generate import generate
from qwenlab.inference.load import Inference, load_inference
from qwenlab.recipe import read_recipe
from qwenlab.training.engine import Engine
from tests.models.random_rows import TINY
from tests.models.scripted import ALWAYS_OPEN, QWEN3, script

ASKED = [{"role": "user", "content": "7 * 8?"}]
SAMPLING = Sampling(max_new_tokens=40, max_thinking_tokens=60)
THOUGHT = "7 * 7 is 49, and 7 more."
CLOSED = f"{THOUGHT}\n</think>\n\n56"
WHOLE = f"<think>\n{CLOSED}"


@pytest.fixture
def loaded(qwen: Path, engine: Engine) -> Inference:
    recipe = read_recipe(TINY).with_values(model={"name": str(qwen), "engine": "transformers"})
    found = load_inference(recipe.model, engine, {})
    found.tokenizer.chat_template = QWEN3
    return found


class Heard(Listener):
    """Keeps what it hears, apart."""

    def __init__(self) -> None:
        self.thought: list[str] = []
        self.said: list[str] = []

    def reasoning(self, row: int, piece: str) -> None:
        assert not self.said
        self.thought.append(piece)

    def text(self, row: int, piece: str) -> None:
        self.said.append(piece)


def asked(loaded: Inference, said: str, ask: Ask) -> Answer:
    script(loaded, lambda prompt: said)
    heard = Heard()
    [answer] = generate(loaded, [ask], heard)
    assert ("".join(heard.thought), "".join(heard.said)) == (answer.reasoning, answer.text)
    return answer


@pytest.mark.parametrize(
    ("template", "thinking", "ending"),
    [
        (QWEN3, None, "assistant\n"),
        (QWEN3, True, "assistant\n"),
        (QWEN3, False, "assistant\n<think>\n\n</think>\n\n"),
        (ALWAYS_OPEN, None, "assistant\n<think>\n"),
        (ALWAYS_OPEN, True, "assistant\n<think>\n"),
        (ALWAYS_OPEN, False, "assistant\n<think>\n\n</think>\n\n"),
    ],
)
def test_the_prompt_is_that_of_the_mode(loaded: Inference, template: str, thinking: bool | None, ending: str) -> None:
    loaded.tokenizer.chat_template = template
    assert prompt_text(ASKED, loaded.tokenizer, thinking).endswith(ending)


@pytest.mark.parametrize(("template", "said"), [(QWEN3, WHOLE), (ALWAYS_OPEN, CLOSED), (ALWAYS_OPEN, WHOLE)])
@pytest.mark.parametrize("thinking", [True, None])
def test_reasoning_is_told_apart_from_the_answer(
    loaded: Inference, template: str, said: str, thinking: bool | None
) -> None:
    loaded.tokenizer.chat_template = template
    answer = asked(loaded, said, Ask(ASKED, SAMPLING, thinking=thinking))
    assert (answer.reasoning, answer.text, answer.finish) == (THOUGHT, "56", "stop")
    assert answer.tokens == len(said) + 1, "a token a byte, and the end"
    assert answer.reasoning_tokens == said.index("</think>") + len("</think>")


def test_what_never_thinks_is_all_answer(loaded: Inference) -> None:
    answer = asked(loaded, "\n56 < 60", Ask(ASKED, SAMPLING))
    assert (answer.reasoning, answer.text, answer.reasoning_tokens) == ("", "\n56 < 60", 0)


def test_a_stray_closing_tag_closes_what_stands_before_it(loaded: Inference) -> None:
    script(loaded, lambda prompt: CLOSED)
    heard = Heard()
    [answer] = generate(loaded, [Ask(ASKED, SAMPLING)], heard)
    assert (answer.reasoning, answer.text) == (THOUGHT, "56")
    assert "".join(heard.said) == CLOSED, "what was told cannot be taken back"


def test_reasoning_and_answer_have_a_budget_each(loaded: Inference) -> None:
    endless = f"<think>{'a' * 90}"
    cut = asked(loaded, endless, Ask(ASKED, SAMPLING, thinking=True))
    assert (cut.finish, cut.tokens, cut.reasoning_tokens, cut.text) == ("thinking", 60, 60, "")
    assert cut.reasoning == "a" * (60 - len("<think>"))

    long = asked(loaded, f"{WHOLE}{'b' * 90}", Ask(ASKED, SAMPLING, thinking=True))
    assert (long.finish, long.tokens - long.reasoning_tokens) == ("length", 40)
    assert long.reasoning == THOUGHT

    unasked = asked(loaded, endless, Ask(ASKED, SAMPLING))
    assert (unasked.finish, unasked.tokens) == ("thinking", 60), "who thinks unasked has the same budget"


@pytest.mark.parametrize("ask", [Ask(ASKED, Sampling(40)), Ask(ASKED, SAMPLING, thinking=False)])
def test_without_a_budget_of_its_own_reasoning_is_part_of_the_answer_s(loaded: Inference, ask: Ask) -> None:
    cut = asked(loaded, f"<think>{'a' * 90}", ask)
    assert (cut.finish, cut.tokens) == ("thinking", 40)
    both = asked(loaded, f"<think>ab</think>{'b' * 90}", ask)
    assert (both.finish, both.tokens, both.reasoning) == ("length", 40, "ab")


def test_a_stop_text_ends_the_answer_and_not_the_reasoning(loaded: Inference) -> None:
    answer = asked(loaded, f"{WHOLE}, which is 49 + 7", Ask(ASKED, SAMPLING._replace(stop=("49",)), thinking=True))
    assert (answer.reasoning, answer.text, answer.finish) == (THOUGHT, "56, which is ", "stop")


@pytest.mark.parametrize("thinking", [True, None])
@pytest.mark.parametrize("shorten", [True, False])
def test_reasoning_has_the_room_that_prompt_and_answer_leave(
    loaded: Inference, thinking: bool | None, shorten: bool
) -> None:
    large = Sampling(max_new_tokens=400, max_thinking_tokens=6000)
    cut = asked(loaded, f"<think>{'a' * 2000}", Ask(ASKED, large, thinking=thinking, shorten=shorten))
    assert cut.finish == "thinking"
    assert cut.prompt_tokens + cut.tokens == loaded.context - 400
    assert asked(loaded, WHOLE, Ask(ASKED, large, thinking=thinking, shorten=shorten)).text == "56"


def test_the_answer_must_fit_unless_it_may_be_shortened(loaded: Inference) -> None:
    with pytest.raises(ContextError, match="the answer may have 1,020"):
        generate(loaded, [Ask(ASKED, Sampling(1020, max_thinking_tokens=100), thinking=True)])
    full = [{"role": "user", "content": "x" * loaded.context}]
    assert asked(loaded, WHOLE, Ask(full, SAMPLING, thinking=True, shorten=True)) == NO_ROOM


def test_rows_of_both_modes_share_a_batch(loaded: Inference) -> None:
    script(loaded, lambda prompt: "no" if prompt.endswith("</think>\n\n") else WHOLE)
    on, off = generate(loaded, [Ask(ASKED, SAMPLING, thinking=thinking) for thinking in (True, False)])
    assert (on.text, on.reasoning) == ("56", THOUGHT)
    assert (off.text, off.reasoning) == ("no", "")
