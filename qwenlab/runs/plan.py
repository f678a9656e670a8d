"""What a training would be, in numbers, for those who did not work it out themselves."""

from typing import Literal

from qwenlab.files import Record
from qwenlab.runs.record import Hardware


class PlanRecord(Record):
    """The plan of `python -m qwenlab.train --dry-run --plan FILE`. Memory in GB (10^9 bytes)."""

    rows_in: int
    """Rows that entered the cleaning."""
    rows_kept: int
    train_rows: int
    validation_rows: int
    steps: int
    tokens: int
    """Tokens that pass through the model in training, padding not counted."""
    cut_share: float
    """Of the training rows, those longer than `data.max_length`."""
    effective_batch_size: int
    engine: str
    why: str
    dtype: str
    attention: str = ""
    deterministic: bool = False
    notes: list[str] = []
    """A sentence for each setting that this machine carries out otherwise, or at a price."""
    hardware: Hardware
    memory: dict[str, float]
    """By part; empty where no GPU is used."""
    verdict: Literal["fits", "tight", "will not fit", ""]
