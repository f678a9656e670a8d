"""judged.jsonl: what became of each answer, whatever it was held against."""

from qwenlab.evaluation.programs.results import ProgramResult
from qwenlab.evaluation.samples import Side
from qwenlab.files import Record


class Scored(Record):
    """One answer, or what was read of a model that need not answer."""

    item: str
    model: Side
    sample: int = 0
    found: str = ""
    """What of the answer counts: the program, the value, the letter. Empty: there is none."""
    rule: str = ""
    """How it was found, or why nothing was."""
    right: bool | None = None
    """None: not known, since a program was not run; or nothing is right and wrong."""
    parses: bool = False
    """Of a program."""
    result: ProgramResult | None = None
    """Of a program that was run."""
    fault: str = ""
    """Why it is wrong, where that can be said in a few words."""
    loss: float | None = None
    """Of the data's own answer, in nats a token."""
