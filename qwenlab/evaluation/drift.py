"""Drift: how far an adapter has moved the model on conversations that its training is not about.

The conversations ship with the package, are the same for every run, and are read without the run's system prompt.
Nothing is generated. The divergence is KL(base || tuned) at each token of their answers: what the base would have said
there, and how much of it the tuned model still would (Kullback and Leibler, "On Information and Sufficiency", Annals of
Mathematical Statistics 22, 1951).
"""

import hashlib
import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qwenlab.answering.likelihood import Conversation, Likelihood, Reader
from qwenlab.errors import UserError
from qwenlab.runs.drift import Drift
from qwenlab.runs.run import Run
from qwenlab.stats.intervals import mean_loss
from qwenlab.stats.paired import SEED, compare_losses

NEUTRAL = Path(__file__).with_name("neutral.jsonl")

AT_ONCE = 15
"""Conversations that a reader is given together, to sort by length."""

BUDGET_S = 60.0
LEAST = 30
"""After so many seconds no more conversations are read, unless there are fewer than `LEAST` so far: a large model on a
CPU would take minutes."""


def drift_of(run: Run, reader: Reader, model: str, thinking: bool | None, adapter_sha256: str) -> Drift:
    """What the run's folder says of this adapter; where it says nothing, it is measured and written there.

    Raises:
        UserError: as `measure`, or the folder's file cannot be read.
    """
    known = run.drift
    if known and known.adapter_sha256 == adapter_sha256:
        return known
    found = measure(reader, model, thinking, adapter_sha256)
    found.write(run.drift_file)
    return found


def measure(
    reader: Reader,
    model: str,
    thinking: bool | None,
    adapter_sha256: str,
    clock: Callable[[], float] = time.monotonic,
) -> Drift:
    """The drift of the model of that name, over as many conversations as `BUDGET_S` allows.

    Raises:
        UserError: as `Reader.likelihoods`; or the model's context is too small for any of the conversations, or the
            adapter makes the loss infinite or not a number.
    """
    conversations, version = neutral()
    began = clock()
    read: list[Likelihood] = []
    for begin in range(0, len(conversations), AT_ONCE):
        read += reader.likelihoods(conversations[begin : begin + AT_ONCE], model, thinking)
        if len(read) >= LEAST and clock() - began > BUDGET_S:
            break
    found = [one for one in read if one.tokens]
    if not np.isfinite([one[1:] for one in found]).all():
        raise UserError("The loss on neutral conversations is infinite or not a number.", "Look at the training curve.")
    divergence = mean_loss(np.array([one.divergence for one in found]), None, SEED)
    if divergence is None:
        raise UserError("The model's context is too small for any of the neutral conversations.")
    return Drift(
        conversations=len(found),
        available=len(conversations),
        tokens=sum(one.tokens for one in found),
        divergence=divergence,
        losses=compare_losses([one.base for one in found], [one.tuned for one in found]),
        adapter_sha256=adapter_sha256,
        conversations_sha256=version,
        seconds=round(clock() - began, 2),
    )


def neutral() -> tuple[list[Conversation], str]:
    """The conversations, in the same mixed order every time so that any first part has all topics, and the SHA-256 of
    their file."""
    content = NEUTRAL.read_bytes()
    conversations: list[Conversation] = [json.loads(line)["messages"] for line in content.splitlines()]
    random.Random(SEED).shuffle(conversations)
    return conversations, hashlib.sha256(content).hexdigest()
