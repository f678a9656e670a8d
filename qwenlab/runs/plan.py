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
    rows_per_step: int
    """Rows of a step: no more than there are."""
    engine: str
    why: str
    dtype: str
    attention: str = ""
    deterministic: bool = False
    notes: list[str] = []
    """A sentence for each setting that this machine carries out otherwise, or at a price, and each piece of advice."""
    hardware: Hardware
    memory: dict[str, float]
    """By part; empty where no GPU is used."""
    verdict: Literal["fits", "tight", "will not fit", ""]

    @property
    def memory_in_words(self) -> str:
        """The estimate against the card; empty where no GPU is used."""
        card, free = self.hardware.gpu_memory_gb, self.hardware.gpu_free_gb
        if not self.memory or not card:
            return ""
        known = f"{card:.1f} GB" if free is None else f"{card:.1f} GB, of which {free:.1f} GB are free"
        return f"about {sum(self.memory.values()):.1f} of {known}"

    def facts(self) -> dict[str, str]:
        """The plan for people, by name."""
        return {
            "rows": f"{self.train_rows:,} to train on, {self.validation_rows:,} for validation",
            "kept by the rules": f"{self.rows_kept:,} of {self.rows_in:,}",
            "steps": f"{self.steps:,} of {self.rows_per_step:,} rows each",
            "tokens": f"{self.tokens:,}",
            "engine": f"{self.engine}, {self.dtype}: {self.why}",
            "attention": f"{self.attention}{', deterministic' if self.deterministic else ''}",
        }

    def __str__(self) -> str:
        memory = f"{self.verdict}: {self.memory_in_words}" if self.memory_in_words else "no GPU is used"
        lines = [*self.facts().items(), ("memory", memory), *(("note", note) for note in self.notes)]
        return "\n".join(f"{name:<19}{value}" for name, value in lines)
