"""drift.json: how far a run's adapter has moved the model where nobody wanted it moved."""

from qwenlab.files import Record
from qwenlab.stats.types import Estimate, LossComparison


class Drift(Record):
    """Base and tuned on neutral conversations, which no training is about; each conversation counts once.

    There is no line between little and much: the number is for comparing runs with one another.
    """

    conversations: int
    """That were measured: all, or as many as there was time for."""
    available: int
    tokens: int
    """Of the answers, of which the figures are means."""
    divergence: Estimate
    """KL(base || tuned), in nats a token. 0: both say the same; its interval is a bootstrap over conversations."""
    losses: LossComparison
    """The loss of the conversations' answers, base before and tuned after."""
    adapter_sha256: str
    """Of the adapter's weights that this was measured on."""
    conversations_sha256: str
    """Of the file that they stand in: its version."""
    seconds: float
