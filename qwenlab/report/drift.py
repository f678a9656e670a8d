"""Drift in words: a sentence, and a table."""

from qwenlab.report.sentences import p_in_words
from qwenlab.report.tables import Table
from qwenlab.runs.drift import Drift
from qwenlab.stats.types import Estimate, LossComparison


def sentence(drift: Drift) -> str:
    """Such as "Drift: 0.123 nats/token from the base on 200 neutral conversations; the loss on them went from 2.310 to
    2.352 (worse, p = 0.01)"."""
    losses = drift.losses
    assert losses.before and losses.after and losses.p_value is not None, "there is a conversation"
    return (
        f"Drift: {distance(drift)} from the base on {_measured(drift)} neutral conversations; the loss on them went "
        f"from {losses.before.value:.3f} to {losses.after.value:.3f} ({_verdict(losses)}, "
        f"{p_in_words(losses.p_value)})"
    )


def distance(drift: Drift) -> str:
    """Such as `0.123 nats/token`."""
    return f"{_nats(drift.divergence.value)} nats/token"


def table(drift: Drift) -> Table:
    """Base and tuned on the neutral conversations."""
    losses = drift.losses
    assert losses.before and losses.after and losses.difference and losses.p_value is not None, "as above"
    difference = f"{losses.difference.value:+.3f}{_interval(losses.difference, '+')}"
    p_value = p_in_words(losses.p_value).removeprefix("p = ").removeprefix("p ")
    return Table(
        title="Drift",
        columns=("nats/token", "base", "tuned", "difference", "p"),
        rows=(
            ("divergence from the base", "", f"{_nats(drift.divergence.value)}{_interval(drift.divergence)}", "", ""),
            ("loss", f"{losses.before.value:.3f}", f"{losses.after.value:.3f}", difference, p_value),
        ),
        note=f"On {_measured(drift)} neutral conversations with {drift.tokens:,} tokens of answers; each conversation "
        "counts once. Divergence: KL(base || tuned). In brackets 95 % intervals, bootstrap over conversations; p: "
        "paired permutation. There is no limit above which a drift is too large: compare runs by it.",
    )


def _measured(drift: Drift) -> str:
    few = drift.conversations < drift.available
    return f"{drift.conversations} of {drift.available}" if few else f"{drift.conversations}"


def _verdict(losses: LossComparison) -> str:
    if not losses.beyond_noise:
        return "no change shown"
    return "better" if losses.better else "worse"


def _nats(value: float) -> str:
    """Not rounded to nothing."""
    return "<0.001" if 0 < value < 0.0005 else f"{max(value, 0):.3f}"


def _interval(estimate: Estimate, sign: str = "") -> str:
    if estimate.interval is None:
        return ""
    low, high = (f"{bound:{sign}.3f}" for bound in estimate.interval)
    return f" [{low} to {high}]"
