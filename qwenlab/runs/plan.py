"""What a training would be, in numbers, for those who did not work it out themselves."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from qwenlab.runs.record import Hardware


class PlanRecord(BaseModel):
    """The plan of `python -m qwenlab.train --dry-run --plan FILE`. Memory in GB (10^9 bytes)."""

    model_config = ConfigDict(extra="forbid")

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

    def __str__(self) -> str:
        """The plan as lines for people."""
        machine = self.hardware.gpu or f"{self.hardware.cpu}, {self.hardware.cpu_cores} cores"
        memory = ", ".join(f"{part} {gb:.1f}" for part, gb in self.memory.items())
        lines = {
            "engine": f"{self.engine}, {self.dtype}: {self.why}",
            "machine": machine,
            "rows": f"{self.train_rows:,} to train on, {self.validation_rows:,} for validation",
            "steps": f"{self.steps:,}, each of {self.effective_batch_size} rows",
            "tokens": f"{self.tokens:,}, {self.cut_share:.1%} of the rows truncated",
            "memory": f"{memory} GB: {self.verdict}" if memory else "no GPU is used",
        }
        return "\n".join(
            [f"{name:<8}  {said}" for name, said in lines.items()] + [f"note      {x}" for x in self.notes]
        )
