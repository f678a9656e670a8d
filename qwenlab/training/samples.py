"""See it learn: the same held-out prompts, answered at every validation, for a small share of the training's time."""

import gc
import random
import time
import traceback
from typing import Any

import polars as pl
import torch

from qwenlab.data.chat_template import Rendering, asked
from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs.events import Note
from qwenlab.runs.progress import Progress
from qwenlab.runs.run import Run
from qwenlab.runs.samples import (
    Sample,
    SamplePrompt,
    SamplePrompts,
    Turn,
    append_sample,
    drop_samples_after,
)
from qwenlab.text import duration, percent
from qwenlab.training.asking import answers, prompt_of, token_ids
from qwenlab.training.distributed import world
from qwenlab.training.load import LoadedModel
from qwenlab.training.memory import first_line, is_out_of_memory

MOST_NEW_TOKENS = 128
"""Of an answer: enough to see how it changes, and little against the steps between two validations."""

MOST_TIME = 0.03
"""The share of the training's time that the answers may take; the first and the last are always asked for."""

MOST_TRIED = 200
"""Rows that are looked at for prompts that are short enough."""


def choose_prompts(validation: pl.DataFrame, tokenizer: Any, recipe: Recipe, thinking: bool | None) -> SamplePrompts:
    """So many held-out conversations as the recipe says, by its seed, that leave room for an answer.

    Args:
        validation: columns `file`, `row` and `messages`.
        thinking: as the run's rows were written.
    """
    room, how = recipe.data.max_length, Rendering(thinking, recipe.data.reasoning)
    most = min(MOST_NEW_TOKENS, recipe.evaluate.max_new_tokens, room // 2)
    order = random.Random(recipe.train.seed).sample(range(validation.height), min(validation.height, MOST_TRIED))
    chosen: dict[str, SamplePrompt] = {}
    for place in order:
        if len(chosen) == recipe.train.sample_prompts:
            break
        prompt = _prompt(validation.row(place, named=True), how)
        text = prompt_of(prompt, tokenizer, thinking) if prompt else ""
        if prompt and len(token_ids(text, tokenizer)) + most <= room:
            chosen.setdefault(text, prompt)
    return SamplePrompts(prompts=list(chosen.values()), thinking=thinking, max_new_tokens=most)


def _prompt(row: dict[str, Any], how: Rendering) -> SamplePrompt | None:
    """The row up to its last answer; None where nobody learns that one."""
    *before, last = row["messages"]
    if last["role"] != "assistant" or last["learned"] is False or not any(turn["role"] == "user" for turn in before):
        return None
    said = asked(row["messages"], how, thinks=how.thinking is not None)
    turns = [Turn.model_validate(turn) for turn in said]
    return SamplePrompt(
        file=row["file"],
        row=row["row"],
        messages=turns[:-1],
        answer=turns[-1].content,
        reasoning=turns[-1].reasoning_content,
    )


class Samples:
    """Asks the run's prompts, and keeps the answers. No trouble with them is a reason for a training to end."""

    def __init__(self, run: Run, recipe: Recipe, progress: Progress) -> None:
        """Nothing is asked where the recipe says so or the run has no prompts, and by one process alone."""
        self._run = run
        self._progress = progress
        self._wanted = recipe.train.sample_prompts > 0 and world().is_first
        self._prompts: SamplePrompts | None = None
        self._begun: float | None = None
        self._spent = self._expected = 0.0
        self._known: set[int] = set()
        self._asked = self._passed_over = 0

    def begin(self, step: int) -> None:
        """The training begins, or goes on, after this step."""
        self._begun = time.monotonic() if self._begun is None else self._begun
        if not self._wanted:
            return
        try:
            self._prompts = self._run.sample_prompts
            drop_samples_after(self._run.samples_file, step)
            known = self._run.samples
        except UserError as error:
            self._give_up(step, error.message)
            return
        self._known = {sample.step for sample in known}
        self._expected = self._expected or (known[-1].seconds if known else 0.0)

    def ask(self, loaded: LoadedModel, step: int, *, last: bool) -> None:
        """Ask and keep the answers, where the time allows it; `last`: no validation follows this one."""
        if not (self._prompts and self._prompts.prompts) or step in self._known:
            return
        if step > 0 and not last and self._spent + self._expected > MOST_TIME * self._seconds():
            self._passed_over += 1
            return
        begun = time.monotonic()
        why = ""
        try:
            found = answers(loaded, self._prompts)
            took = time.monotonic() - begun
            append_sample(self._run.samples_file, Sample(step=step, seconds=round(took, 3), answers=found))
        except Exception as error:  # noqa: BLE001
            if not (isinstance(error, UserError) or is_out_of_memory(error)):
                self._progress.log(traceback.format_exc())
            why = first_line(error) or type(error).__name__
        self._expected = time.monotonic() - begun
        self._spent += self._expected
        self._asked += 1
        self._known.add(step)
        if why:  # outside the handler, where the error's traceback no longer holds the tensors
            self._give_up(step, why)

    def tell(self) -> None:
        """What the answers have cost, in a line."""
        if not self._asked:
            return
        took = f"{self._spent:.1f} s" if self._spent < 100 else duration(self._spent)
        share = percent(self._spent, self._seconds())
        left_out = f"; to save time, {self._passed_over} validations went without" if self._passed_over else ""
        self._progress.note(f"sample answers took {took}, {share} of the training{left_out}")

    def _seconds(self) -> float:
        """Of the training so far."""
        return 0.0 if self._begun is None else time.monotonic() - self._begun

    def _give_up(self, step: int, why: str) -> None:
        self._wanted, self._prompts = False, None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        text = f"the held-out prompts are no longer asked: {why}"
        self._run.log.write(Note(step=step, about="samples", text=text))
        self._progress.note(text)
