"""A base and the adapters of runs on it, loaded into this process to be asked: `ql.load`."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from qwenlab.answering.answerer import Answer, Answerer, Ask, Sampling
from qwenlab.errors import UserError
from qwenlab.inference.runs import local_answerer
from qwenlab.runs import Run
from qwenlab.runs.mode import check_modes
from qwenlab.runs.shared_base import named


class Reply(str):
    """An answer: a text, which has the reasoning before it beside it.

    Attributes:
        reasoning: what the model thought before it answered; empty where it did not.
        finish: `stop`: it came to its end; `length`: it was cut; `thinking`: it was cut before its reasoning ended.
    """

    reasoning: str
    finish: str

    def __new__(cls, answer: Answer) -> "Reply":
        reply = super().__new__(cls, answer.text)
        reply.reasoning, reply.finish = answer.reasoning, answer.finish
        return reply


class Models:
    """A base and the adapters of runs on it, in memory: all of them answer from the same weights."""

    def __init__(self, answerer: Answerer, modes: Mapping[str, bool | None]) -> None:
        self._answerer = answerer
        self._modes = modes

    @property
    def names(self) -> list[str]:
        """`base`, then the runs' names."""
        return list(self._answerer.names)

    def chat(
        self,
        messages: str | Sequence[dict[str, str]],
        *,
        model: str | None = None,
        max_new_tokens: int = 512,
        max_thinking_tokens: int = 8192,
        thinking: bool | None = None,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int = 0,
    ) -> Reply:
        """The answer to a question, or to a conversation of `{"role", "content"}`.

        Args:
            messages: a question, or the turns so far, each with its `role` (`system`, `user`, `assistant`).
            model: one of `names`; None: the first run.
            max_new_tokens: where the answer is cut at the latest.
            max_thinking_tokens: where the reasoning before it is cut at the latest.
            thinking: whether it thinks first; None: as the run was trained, and `base` as the first of the runs.
            temperature: 0: greedy, the same answer every time.
            top_p: draw only from the likeliest tokens that sum up to this share.
            seed: with a temperature, the same seed draws the same answer.

        Returns:
            The answer, a text; its `reasoning` is what the model thought before it.

        Raises:
            UserError: there is no such model, or question and answer do not fit into its context.

        Example:
            >>> reply = models.chat("What is 7 * 8?")
            >>> print(reply)
            56
            >>> reply.reasoning
            '7 * 7 is 49, and 7 more is 56.'
        """
        name = model or self.names[1]
        if name not in self.names:
            raise UserError(f"There is no model {name}.", f"There are: {', '.join(self.names)}.")
        asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
        sampling = Sampling(max_new_tokens, temperature, top_p, seed, max_thinking_tokens)
        mode = self._modes[name] if thinking is None else thinking
        [answer] = self._answerer.answer([Ask(asked, sampling, name, mode)])
        return Reply(answer)


@contextmanager
def load(run: Run, *others: Run) -> Iterator[Models]:
    """Inside the block, the run, others like it and their base answer from one model in memory.

    It takes its place in the GPU queue, and gives the GPU back at the end of the block.

    Args:
        run: whose adapter answers unless another model is asked for.
        others: further runs that were trained on the same base weights.

    Yields:
        The models: `names`, and `chat` to ask one.

    Raises:
        UserError: a run has no adapter, or another base, or its mode of thinking was changed; or Unsloth was imported
            here, which changes how a model that it did not load computes.

    Example:
        >>> with ql.load(run) as models:
        ...     print(models.chat("How many primes are below 50?", model="base"))
    """
    if "unsloth" in sys.modules:
        raise UserError("Unsloth was imported in this process and has changed transformers.", "Restart the kernel.")
    found = named([run, *others])
    modes = check_modes(found)

    def waiting(ahead: list[str]) -> None:
        print(f"waiting for the GPU: {', then '.join(ahead)}", flush=True)

    with local_answerer(run.folder.parent, found, "notebook", waiting) as answerer:
        yield Models(answerer, modes)
