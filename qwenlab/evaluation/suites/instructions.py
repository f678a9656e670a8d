"""Does the model still do as it is told: prompts whose constraints a program can check, such as "use no commas".

Ours ship with the package. IFEval's 541 prompts are had from the hub, `google/IFEval`, or from any file of their
format: `key`, `prompt`, `instruction_id_list`, and `kwargs`, the arguments of each constraint in turn. An item is
right when its answer keeps to all constraints of the prompt ("prompt-level strict accuracy" in IFEval's paper).
"""

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from qwenlab.evaluation.constraints import KINDS, fault
from qwenlab.evaluation.item import Constrained, Constraint, Item, Items, asked_by
from qwenlab.evaluation.rows import NamedRow, checked
from qwenlab.evaluation.source import numbered, read_rows
from qwenlab.evaluation.suites import Aim, Asked

TITLE = "Instructions"
AIM: Aim = "retention"
SOURCE = str(Path(__file__).with_name("instructions.jsonl"))
SIZE = 120
HUB_FILE = "ifeval_input_data.jsonl"
LICENCE = "Apache-2.0, as this package; so are IFEval's prompts."
CONTAMINATION = (
    "The prompts that ship with this package were written for it. IFEval's have been public since 2023: models may "
    "have seen them, with answers."
)


class _Row(NamedRow):  # type: ignore[no-redef]  # pydantic's plugin has a `kwargs` of its own
    described = '{"key": 1, "prompt": "...", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}'
    prompt: str = Field(min_length=1)
    instruction_id_list: list[str] = Field(min_length=1)
    kwargs: list[dict[str, int | str | list[str]]]

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """In the prompt's order."""
        pairs = zip(self.instruction_id_list, self.kwargs, strict=True)
        return tuple(Constraint(name=name, arguments=arguments) for name, arguments in pairs)

    @property
    def unchecked(self) -> str | None:
        """The first kind that cannot be checked; None where all can."""
        return next((name for name in self.instruction_id_list if name not in KINDS), None)

    @model_validator(mode="after")
    def _is_complete(self) -> "_Row":
        if len(self.kwargs) != len(self.instruction_id_list):
            raise ValueError(f"{len(self.instruction_id_list)} constraints, and arguments for {len(self.kwargs)}")
        for constraint in self.constraints:
            if constraint.name in KINDS and (said := fault(constraint)):
                raise ValueError(said)
        return self


def items(asked: Asked) -> Items:
    """The prompts, in the source's order. Left out: those with a constraint of a kind that is not checked.

    Raises:
        UserError: the source cannot be read, or has rows that are no such prompts.
    """
    rows, version = read_rows(asked.source, HUB_FILE, "instructions")
    found: list[Item] = []
    left_out: dict[str, list[str]] = {}
    for row in checked(_Row, numbered(rows, asked.source), _plain):
        if row.unchecked:
            left_out.setdefault(f"{row.unchecked} is not checked", []).append(row.name)
            continue
        count = len(row.constraints)
        found.append(
            Item(
                name=row.name,
                messages=asked_by(row.prompt, asked.system),
                shown=row.prompt,
                group="1 constraint" if count == 1 else f"{count} constraints",
                task=Constrained(constraints=row.constraints),
            )
        )
    return Items(tuple(found), version, {reason: tuple(names) for reason, names in left_out.items()})


def _plain(given: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """The row by its key, else by its number, with the arguments that it gives.

    A table has a column for every argument that any row gives: what is null is not given, and a whole number may have
    become 3.0.
    """
    number, row = given
    key = row.get("key")
    plain = row | {"name": str(number if key is None else key)}
    if isinstance(row.get("kwargs"), list):
        plain["kwargs"] = [_given(arguments) for arguments in row["kwargs"]]
    return plain


def _given(arguments: Any) -> Any:
    if not isinstance(arguments, dict):
        return {} if arguments is None else arguments
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in arguments.items()
        if value is not None
    }
