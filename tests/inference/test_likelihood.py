"""What is read and not generated, held against the models' own logits; by a loaded base and by a model just trained."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from qwenlab.answering.likelihood import Reader
from qwenlab.data.chat_template import Rendering, prompt_text
from qwenlab.data.loss_mask import encode
from qwenlab.errors import UserError
from qwenlab.evaluation.item import Choice, Item, Reference
from qwenlab.evaluation.readings import Letters, Loss, read_items
from qwenlab.inference import likelihood
from qwenlab.inference.likelihood import letter_tokens
from qwenlab.inference.load import load_inference
from qwenlab.inference.local import LocalAnswerer
from qwenlab.inference.trained import TrainedReader
from qwenlab.recipe import read_recipe
from qwenlab.training.engine import Engine
from qwenlab.training.load import LoadedModel
from tests.data.made import SHARED_DATA
from tests.models.adapters import random_adapter
from tests.models.random_rows import TINY

QWEN3 = SHARED_DATA.parent / "models" / "qwen3-tokenizer"


def said(question: str, answer: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


CONVERSATIONS = [
    said("Add two numbers.", "print(int(input()) + int(input()))"),
    said("x", "y"),
    [*said("What is seven times six?", "It is 42, as everybody knows."), *said("And eight?", "48.")],
    said("Read a line and print it backwards, please. " * 9, "print(input()[::-1])"),
    said("Say nothing.", ""),
]


@pytest.fixture(scope="module")
def trained(engine: Engine) -> LoadedModel:
    """The tiny Qwen with an adapter that changes what it says, as a training leaves it in memory."""
    return random_adapter(read_recipe(TINY), engine, seed=1, strength=0.1)


@pytest.fixture(scope="module")
def local(trained: LoadedModel, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> LocalAnswerer:
    folder = tmp_path_factory.mktemp("run") / "adapter"
    trained.save_adapter(folder)
    return LocalAnswerer(load_inference(read_recipe(TINY).model, engine, {"tuned": folder}))


@pytest.fixture(params=["local", "trained"])
def reader(request: pytest.FixtureRequest, local: LocalAnswerer, trained: LoadedModel) -> Reader:
    return local if request.param == "local" else TrainedReader(trained)


def expected(trained: LoadedModel, messages: list[dict[str, Any]]) -> tuple[int, list[float]]:
    """Tokens of the last answer, and base loss, tuned loss and divergence from the logits of the whole model."""
    encoded = encode(
        [messages[:-2], messages] if len(messages) > 2 else [messages], trained.tokenizer, Rendering(), 999
    )
    prompt = prompt_text(messages[:-1], trained.tokenizer, None)
    begin = len(trained.tokenizer(prompt, add_special_tokens=False)["input_ids"])
    ids = torch.tensor([encoded.input_ids[-1]])
    places = [place for place, one in enumerate(encoded.assistant_masks[-1]) if one and place >= begin]
    with torch.no_grad(), trained.model.disable_adapter():
        base = trained.model.eval()(ids).logits[0].log_softmax(-1)
    with torch.no_grad():
        tuned = trained.model(ids).logits[0].log_softmax(-1)
    before = [place - 1 for place in places]
    losses = [-side[before, ids[0, places]].mean().item() for side in (base, tuned)]
    divergence = torch.nn.functional.kl_div(tuned[before], base[before], log_target=True, reduction="none").sum(-1)
    return len(places), [*losses, divergence.mean().item()]


def test_losses_and_divergence_of_the_last_answer_are_those_of_the_logits(reader: Reader, trained: LoadedModel) -> None:
    found = reader.likelihoods(CONVERSATIONS, "tuned", None)
    for messages, one in zip(CONVERSATIONS, found, strict=True):
        tokens, figures = expected(trained, messages)
        assert one.tokens == tokens > 0
        assert list(one[1:]) == pytest.approx(figures, abs=1e-4)
        assert one.divergence > 0.001 and one.base != pytest.approx(one.tuned, abs=1e-4)


def test_company_does_not_matter(reader: Reader) -> None:
    together = reader.likelihoods(CONVERSATIONS, "tuned", None)
    for messages, one in zip(CONVERSATIONS, together, strict=True):
        (alone,) = reader.likelihoods([messages], "tuned", None)
        assert alone.tokens == one.tokens and list(alone[1:]) == pytest.approx(list(one[1:]), abs=1e-5)
    assert reader.likelihoods([], "tuned", None) == []


def test_many_positions_are_taken_in_parts(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reader.likelihoods(CONVERSATIONS, "tuned", None)
    monkeypatch.setattr(likelihood, "POSITIONS", 3)
    monkeypatch.setattr(likelihood, "BATCH_TOKENS", 1)
    for one, other in zip(whole, reader.likelihoods(CONVERSATIONS, "tuned", None), strict=True):
        assert list(one) == pytest.approx(list(other), abs=1e-5)


def test_the_base_beside_itself_has_not_moved(local: LocalAnswerer) -> None:
    for one in local.likelihoods(CONVERSATIONS, "base", None):
        assert one.base == one.tuned and one.divergence == 0


def test_what_the_context_cuts_off_is_not_looked_at(trained: LoadedModel) -> None:
    sides = TrainedReader(trained)._sides
    short = sides._replace(context=60)
    found = likelihood.likelihoods(short, [CONVERSATIONS[3], CONVERSATIONS[1]], Rendering())
    assert found[0] == (0, 0.0, 0.0, 0.0) and found[1].tokens > 0
    assert likelihood.letters(short, CONVERSATIONS[3][:1], "ABC", None).base == (0.0, 0.0, 0.0)


def test_an_adapter_s_own_weights_are_read_again_after_others(trained: LoadedModel, tmp_path: Path) -> None:
    reader = TrainedReader(trained)
    before = reader.likelihoods(CONVERSATIONS, "tuned", None)
    trained.save_adapter(tmp_path / "adapter")
    parameters = [p for name, p in trained.model.named_parameters() if "lora_B" in name]
    with torch.no_grad():
        for parameter in parameters:
            parameter.mul_(2)
    assert reader.likelihoods(CONVERSATIONS, "tuned", None) != before
    trained.fill_adapter(tmp_path / "adapter")
    assert reader.likelihoods(CONVERSATIONS, "tuned", None) == before


def test_a_letter_is_the_sum_of_the_tokens_that_spell_it(reader: Reader, trained: LoadedModel) -> None:
    found = reader.letters(CONVERSATIONS[0][:1], "ABCD", "tuned", None)
    backend = trained.tokenizer.backend_tokenizer
    ids = backend.encode(prompt_text(CONVERSATIONS[0][:1], trained.tokenizer, None), add_special_tokens=False).ids
    with torch.no_grad():
        tuned = trained.model.eval()(torch.tensor([ids])).logits[0, -1].softmax(-1)
    for share, tokens in zip(found.tuned, letter_tokens(trained.tokenizer, "ABCD"), strict=True):
        assert share == pytest.approx(sum(tuned[token].item() for token in tokens), rel=1e-3)
    assert 0 < sum(found.base) < 1 and found.base != found.tuned


class Tokenizer:
    """Whose single tokens are listed; all else is two."""

    name_or_path = "words"
    unk_token_id = 0

    def __init__(self, **ids: int) -> None:
        self.backend_tokenizer = self
        self._ids = {name.replace("_", " "): number for name, number in ids.items()}

    def encode(self, text: str, add_special_tokens: bool) -> Any:
        self.ids = [self._ids[text]] if text in self._ids else [98, 99]
        return self


def test_tokens_that_spell_a_letter() -> None:
    assert letter_tokens(Tokenizer(A=1, _A=2, B=3, _B=4), "AB") == [[1, 2], [3, 4]]
    assert letter_tokens(Tokenizer(A=1, _A=1, B=3), "AB") == [[1], [3]], "one token for both is counted once"
    for lacking in (Tokenizer(A=1), Tokenizer(A=1, B=0), Tokenizer(A=1, B=1)):
        with pytest.raises(UserError, match=r"tokenizer of words has no single token for the letter '[AB]'"):
            letter_tokens(lacking, "AB")


@pytest.mark.skipif(not QWEN3.exists(), reason="no tokenizer of Qwen3 is at hand")
def test_qwen_s_tokenizer_has_two_tokens_for_each_letter() -> None:
    spelt = letter_tokens(AutoTokenizer.from_pretrained(QWEN3), "ABCDEFGHIJ")
    assert [len(tokens) for tokens in spelt] == [2] * 10


def test_no_memory_left_for_a_text_is_a_sentence(local: LocalAnswerer, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr(likelihood, "_read", out_of_memory)
    with pytest.raises(UserError, match=r"too small for reading a single text \(CUDA .* 2 GiB\)"):
        local.likelihoods(CONVERSATIONS, "tuned", None)


def test_items_are_read_by_the_real_model(reader: Reader, tmp_path: Path) -> None:
    choice = Choice(letters=tuple("ABCD"), right="B")
    items = [
        Item(name=name, messages=({"role": "user", "content": "Which one?"},), shown="", task=task)
        for name, task in (("choice", choice), ("text", Reference(answer="The second one.")))
    ]
    letters, loss = read_items(items, reader, "tuned", None, tmp_path / "readings.jsonl", lambda _: None)
    assert isinstance(letters.found, Letters) and isinstance(loss.found, Loss)
    assert letters.found.chosen("tuned") in set("ABCD") and 0 < letters.found.mass("base") < 1
    assert loss.found.tokens > 3 and loss.found.base != loss.found.tuned and (loss.found.divergence or 0) > 0
