"""The proof that what is exported answers as the adapter does.

Both answer the same prompts greedily, the exported one loaded back from its folder as a stranger would load it, and
both compute in the same precision. Where they part, it is told how close the two likeliest tokens were: rounding to
16 bits can swap a near tie, which is accepted, and nothing else should part anything.
"""

import gc
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from qwenlab import data
from qwenlab.answering.answerer import BASE, Messages
from qwenlab.data.chat_template import prompt_text
from qwenlab.errors import UserError
from qwenlab.evaluation.programs.benchmark import load_benchmark
from qwenlab.evaluation.programs.prompt import prompt as contest_prompt
from qwenlab.exporting.llama_cpp import server_answers
from qwenlab.inference.load import Inference, load_inference, on_device
from qwenlab.recipe import TINY, ModelSettings, Recipe
from qwenlab.training.engine import Engine
from qwenlab.training.memory import first_line, is_out_of_memory
from qwenlab.training.source import find_model, load_tokenizer

CHECKED_PROMPTS = 20
CHECKED_TOKENS = 128
"""Tokens of each answer that are compared."""

NEAR_TIE = 0.05
"""Logits between the likeliest and the next token, at most, for a parting to be called a near tie. On the tiny model,
rounding to float16 moved that margin by 0.007 at most and rounding to bfloat16 by 0.040 (`python -m bench.export`)."""

SHOWN_CHARS = 60
SHOWN_PARTINGS = 3
ADAPTER = "adapter"


class Prompts(NamedTuple):
    """What both answer, and where it comes from."""

    conversations: list[Messages]
    origin: str


class Answered(NamedTuple):
    """A greedy answer."""

    ids: list[int]
    """Its tokens, the end token included."""
    margins: list[float]
    """At each token: by how many logits it was ahead of the next likely one."""
    text: str
    """Without special tokens."""


class Divergence(NamedTuple):
    """Where an exported model's answer parts from the adapter's."""

    prompt: str
    token: int
    """The first token that differs, from 0."""
    adapter: str
    """What the adapter goes on with."""
    exported: str
    margin: float
    """By how many logits the adapter preferred its token to the next likely one."""

    @property
    def near_tie(self) -> bool:
        return self.margin <= NEAR_TIE

    def __str__(self) -> str:
        return (
            f"To {_shortened(self.prompt)!r} they part at token {self.token + 1}: the adapter goes on with "
            f"{_shortened(self.adapter)!r}, the exported model with {_shortened(self.exported)!r}; the adapter's token "
            f"was {self.margin:.4f} logits ahead of the next, not a near tie."
        )


class Reference:
    """The adapter's own answers, on the base in the given precision; each export is held against them."""

    def __init__(
        self,
        recipe: Recipe,
        settings: ModelSettings,
        engine: Engine,
        adapter: Path,
        thinking: bool | None = None,
    ) -> None:
        """Load base and adapter, and let them answer.

        Args:
            recipe: the run's, for the prompts and the batch size.
            settings: how the base is loaded here.
            engine: as `choose_engine` gave it for `settings`.
            adapter: the run's adapter folder.
            thinking: the run's mode.

        Raises:
            UserError: the model cannot be had, or the adapter does not fit it.
        """
        source = find_model(settings)
        self._thinking = thinking
        self._settings, self._engine = settings, engine
        self._tokenizer = load_tokenizer(source)
        self._batch_size = recipe.evaluate.batch_size
        self.prompts = choose_prompts(
            recipe, self._tokenizer, source.text_config.max_position_embeddings, self._thinking
        )
        self.answers = self._greedy(settings, {ADAPTER: adapter}, ADAPTER)

    def check_adapter(self, folder: Path) -> str:
        """The sentence that says that the adapter in this folder is right.

        Raises:
            UserError: it is not; says where the answers part.
        """
        return self._verdict(self._partings(self._greedy(self._settings, {ADAPTER: folder}, ADAPTER)))

    def check_merged(self, folder: Path) -> str:
        """As `check_adapter`, of a merged model, loaded by plain transformers and without peft."""
        merged = self._settings.model_copy(update={"name": str(folder), "load_in_4bit": False})
        return self._verdict(self._partings(self._greedy(merged, {}, BASE)))

    def check_gguf(self, file: Path, server: str) -> str:
        """As `check_adapter`, of a GGUF file that llama.cpp's server answers from."""
        rendered = [prompt_text(messages, self._tokenizer, self._thinking) for messages in self.prompts.conversations]
        texts = server_answers(server, file, rendered, self.prompts.conversations, CHECKED_TOKENS)
        return self._verdict(self._text_partings(texts))

    def _greedy(self, settings: ModelSettings, adapters: Mapping[str, Path], name: str) -> list[Answered]:
        """Load the model, let `name` answer, and let the model go: there may be no room for two."""
        loaded = load_inference(settings, self._engine, adapters)
        conversations, size = self.prompts.conversations, self._batch_size
        batches = [conversations[start : start + size] for start in range(0, len(conversations), size)]
        answers = [answer for batch in batches for answer in answer_greedily(loaded, name, batch, self._thinking)]
        del loaded
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return answers

    def _partings(self, exported: Sequence[Answered]) -> list[Divergence]:
        found = []
        for messages, ours, theirs in zip(self.prompts.conversations, self.answers, exported, strict=True):
            if ours.ids != theirs.ids:
                pairs = zip(ours.ids, theirs.ids, strict=False)
                # One cannot be the other's beginning: it would have ended, and an end is a token.
                token = next(at for at, (our, their) in enumerate(pairs) if our != their)
                found.append(self._parting(messages, ours, token, self._tokenizer.decode(theirs.ids[token:])))
        return found

    def _text_partings(self, texts: Sequence[str]) -> list[Divergence]:
        found = []
        for messages, ours, text in zip(self.prompts.conversations, self.answers, texts, strict=True):
            if ours.text != text:
                beginnings = [
                    self._tokenizer.decode(ours.ids[:count], skip_special_tokens=True)
                    for count in range(len(ours.ids) + 1)
                ]
                # A token may end within a character, which shows only when the next one completes it.
                token = max(count for count, beginning in enumerate(beginnings) if text.startswith(beginning))
                token = min(token, len(ours.ids) - 1)
                found.append(self._parting(messages, ours, token, text[len(beginnings[token]) :]))
        return found

    def _parting(self, messages: Messages, ours: Answered, token: int, theirs: str) -> Divergence:
        adapter = self._tokenizer.decode(ours.ids[token:])
        return Divergence(messages[-1]["content"], token, adapter, theirs, ours.margins[token])

    def _verdict(self, found: Sequence[Divergence]) -> str:
        count = len(self.prompts.conversations)
        where = f"{count} prompts ({self.prompts.origin}), compared over at most {CHECKED_TOKENS} tokens each"
        if not found:
            return f"Checked: its greedy answers equal the adapter's on {where}."
        wrong = [parting for parting in found if not parting.near_tie]
        if not wrong:
            margin = max(parting.margin for parting in found)
            return (
                f"Checked: its greedy answers equal the adapter's on {count - len(found)} of {where}. The rest part at "
                f"a near tie, the two likeliest tokens at most {margin:.4f} logits apart, which rounding can swap."
            )
        told = "\n".join(f"  {parting}" for parting in wrong[:SHOWN_PARTINGS])
        raise UserError(
            "The export failed, and nothing was written: "
            f"{len(found)} of {count} greedy answers are not the adapter's, {len(wrong)} of them not at a near tie.\n"
            f"{told}",
            "Rounding alone rarely does this: try the other --dtype, or export --to adapter.",
        )


def choose_prompts(recipe: Recipe, tokenizer: Any, context: int, thinking: bool | None = None) -> Prompts:
    """Held-out rows of the run's data; what is missing to 20 comes from the bundled mini contest.

    Questions that leave no room for the answer in the context are passed over.
    """
    held_out: list[Messages] = []
    missing = ""
    try:
        rows = data.load(recipe.data, recipe.train.seed).validation
    except UserError as error:
        missing = f" ({error.message})"
    else:
        asked = (_question(messages) for messages in rows.get_column("messages"))
        fitting = (one for one in asked if _tokens(one, tokenizer, thinking) + CHECKED_TOKENS <= context)
        held_out = list(itertools.islice(fitting, CHECKED_PROMPTS))
    rest = CHECKED_PROMPTS - len(held_out)
    contest = [
        contest_prompt(problem) for problem in load_benchmark(TINY, limit=0, max_tests=0, seed=0).problems[:rest]
    ]
    origins = [f"{len(held_out)} held-out rows"] if held_out else []
    origins += [f"{rest} problems of the mini contest{missing}"] if rest else []
    return Prompts([*held_out, *contest], " and ".join(origins))


def _question(messages: Sequence[dict[str, str]]) -> Messages:
    """What comes before the assistant's first word."""
    return list(itertools.takewhile(lambda message: message["role"] != "assistant", messages))


def _tokens(messages: Messages, tokenizer: Any, thinking: bool | None) -> int:
    return len(tokenizer(prompt_text(messages, tokenizer, thinking), add_special_tokens=False)["input_ids"])


def answer_greedily(
    loaded: Inference, name: str, conversations: Sequence[Messages], thinking: bool | None = None
) -> list[Answered]:
    """Tokens, which texts would hide, and how sure of each the model was.

    Raises:
        UserError: the GPU's memory does not suffice.
    """
    prompts = [prompt_text(messages, loaded.tokenizer, thinking) for messages in conversations]
    inputs = loaded.tokenizer(prompts, add_special_tokens=False, padding=True, return_tensors="pt")
    margins = _Margins()
    try:
        with torch.inference_mode(), loaded.answering([name] * len(conversations)):
            sequences = loaded.model.generate(
                **on_device(loaded, inputs),
                max_new_tokens=CHECKED_TOKENS,
                logits_processor=LogitsProcessorList([margins]),
            )
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"The GPU's memory is too small to check the export with {len(conversations)} prompts "
            f"({first_line(error)}).",
            "nvidia-smi lists what else uses the card.",
        ) from None
    answers = []
    for row, ids in enumerate(sequences[:, inputs["input_ids"].shape[1] :].tolist()):
        length = next((at + 1 for at, token in enumerate(ids) if token in loaded.end_tokens), len(ids))
        text = loaded.tokenizer.decode(ids[:length], skip_special_tokens=True)
        answers.append(Answered(ids[:length], [step[row] for step in margins.steps[:length]], text))
    return answers


class _Margins(LogitsProcessor):  # type: ignore[misc]
    """Notes how far ahead the likeliest token is, and changes nothing."""

    def __init__(self) -> None:
        self.steps: list[list[float]] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        first, second = scores.float().topk(2).values.unbind(dim=-1)
        self.steps.append((first - second).tolist())
        return scores


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else f"{text[:SHOWN_CHARS]}..."
