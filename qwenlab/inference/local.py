"""A loaded model as the one that answers an evaluation's batches."""

from dataclasses import dataclass

import torch

from qwenlab.evaluation.generation import Batch, TooLargeError, sample_seed
from qwenlab.evaluation.problem import Problem
from qwenlab.evaluation.prompt import prompt
from qwenlab.evaluation.samples import Sample
from qwenlab.inference.generate import Ask, Sampling, generate, render
from qwenlab.inference.load import BASE, Inference
from qwenlab.recipe import EvaluateSettings
from qwenlab.training.memory import first_line, is_out_of_memory


@dataclass(frozen=True)
class ModelAnswerer:
    """Answers batches with a loaded base and the adapter that is called `tuned` there."""

    loaded: Inference
    settings: EvaluateSettings

    def __call__(self, batch: Batch) -> list[Sample]:
        """Raises:
        TooLargeError: the GPU's memory does not suffice.
        """
        room = [self._room(unit.problem) for unit in batch.units]
        asks = [
            Ask(
                prompt(unit.problem),
                Sampling(
                    min(self.settings.max_new_tokens, tokens),
                    self.settings.temperature,
                    self.settings.top_p,
                    sample_seed(self.settings.seed, batch.side, unit),
                ),
                "tuned" if batch.side == "tuned" else BASE,
            )
            for unit, tokens in zip(batch.units, room, strict=True)
            if tokens > 0
        ]
        try:
            answers = iter(generate(self.loaded, asks) if asks else [])
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            # Without the traceback, which would hold the tensors.
            raise TooLargeError(first_line(error)) from None
        finally:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        samples = []
        for unit, tokens in zip(batch.units, room, strict=True):
            # A statement that fills the whole context leaves no room: no answer, and cut short.
            answer = next(answers) if tokens > 0 else None
            samples.append(
                Sample(
                    problem=unit.problem.name,
                    model=batch.side,
                    sample=unit.sample,
                    answer=answer.text if answer else "",
                    tokens=answer.tokens if answer else 0,
                    truncated=answer is None or answer.finish == "length",
                )
            )
        return samples

    def _room(self, problem: Problem) -> int:
        """Tokens of the context that the problem's prompt leaves."""
        text = render(self.loaded, prompt(problem))
        return self.loaded.context - len(self.loaded.tokenizer(text, add_special_tokens=False)["input_ids"])
