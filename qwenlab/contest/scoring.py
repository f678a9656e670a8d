"""judged.jsonl: what became of each answer: its program, whether it parses, and its verdict."""

from pydantic import BaseModel, ConfigDict

from qwenlab.contest.extract import Rule
from qwenlab.contest.results import ProgramResult
from qwenlab.contest.samples import Side


class Judged(BaseModel):
    """One answer, judged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: str
    model: Side
    sample: int
    code: str
    """Empty: the answer holds no program."""
    rule: Rule
    parses: bool
    result: ProgramResult | None
    """None: there is no program, or no sandbox to run it in."""
