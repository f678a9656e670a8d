"""A server as the one that answers an evaluation: qwenlab's own, or vLLM with the adapter as a LoRA module."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from qwenlab.answering.endpoint import ContextError, Endpoint, ModelRow
from qwenlab.errors import UserError
from qwenlab.evaluation.generation import Batch, Unit, sample_seed
from qwenlab.evaluation.prompt import prompt
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.recipe import EvaluateSettings


@dataclass(frozen=True)
class EndpointAnswerer:
    """Answers batches by asking a server, all rows of a batch at once; how it batches them is its own affair."""

    endpoint: Endpoint
    base: ModelRow
    tuned: ModelRow
    settings: EvaluateSettings

    @classmethod
    def find(
        cls,
        endpoint: Endpoint,
        base: str | None,
        tuned: str | None,
        run: str,
        base_name: str,
        settings: EvaluateSettings,
    ) -> "EndpointAnswerer":
        """Find both models among those that the server offers: by the names given, else by the usual ones.

        Raises:
            UserError: the server cannot be reached, or has no such models.
        """
        offered = {row.id: row for row in endpoint.models()}
        found_base = _one_of(offered, [base] if base else ["base", base_name], "--base-model", endpoint.url)
        found_tuned = _one_of(offered, [tuned] if tuned else [run, "adapter"], "--tuned-model", endpoint.url)
        if found_base == found_tuned:
            raise UserError(f"{found_base.id} would be compared with itself.", "Name another with --tuned-model.")
        return cls(endpoint, found_base, found_tuned, settings)

    def stamps(self) -> dict[str, dict[str, Any]]:
        """By side, what the server says of the model; a server other than ours tells its name alone."""
        return {
            side: row.stamp or {"model": row.id, "endpoint": self.endpoint.url}
            for side, row in (("base", self.base), ("tuned", self.tuned))
        }

    def __call__(self, batch: Batch) -> list[Sample]:
        with ThreadPoolExecutor(len(batch.units)) as pool:
            return list(pool.map(lambda unit: self._answer(batch.side, unit), batch.units))

    def _answer(self, side: Side, unit: Unit) -> Sample:
        settings = self.settings
        try:
            reply = self.endpoint.chat(
                (self.tuned if side == "tuned" else self.base).id,
                prompt(unit.problem),
                max_tokens=settings.max_new_tokens,
                temperature=settings.temperature,
                top_p=settings.top_p,
                seed=sample_seed(settings.seed, side, unit),
            )
        except ContextError:
            # No room for an answer: the same as with a model of our own.
            return _sample(side, unit, answer="", tokens=0, truncated=True)
        # JSON can carry half a surrogate pair, which no file can.
        text = reply.text.encode("utf-8", "replace").decode("utf-8")
        return _sample(side, unit, text, reply.tokens, truncated=reply.finish == "length")


def _sample(side: Side, unit: Unit, answer: str, tokens: int, truncated: bool) -> Sample:
    return Sample(
        problem=unit.problem.name,
        model=side,
        sample=unit.sample,
        answer=answer,
        tokens=tokens,
        truncated=truncated,
    )


def _one_of(offered: dict[str, ModelRow], names: list[str], option: str, url: str) -> ModelRow:
    for name in names:
        if name in offered:
            return offered[name]
    raise UserError(f"{url} has no model {' or '.join(names)}.", f"Name one with {option}: {', '.join(offered)}.")
