"""What is wrong with a recipe, as sentences: each fault with its path, the bound, and the nearest known name.

`known` holds every setting by its path, `section.key`.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from qwenlab.errors import UserError

Known = Mapping[str, FieldInfo]

SHOWN = 200
"""Characters that a sentence shows of a value or a key."""

SHOWN_FAULTS = 50

SHOWN_DEPTH = 4
"""Levels of lists and tables that are shown."""

# Names of the same settings in other tools, so that their users are told ours.
ALIASES = {
    "base_model": "model.name",
    "model_name": "model.name",
    "model_name_or_path": "model.name",
    "lora_r": "lora.r",
    "lora_rank": "lora.r",
    "rank": "lora.r",
    "alpha": "lora.lora_alpha",
    "dropout": "lora.lora_dropout",
    "lora_target": "lora.target_modules",
    "dataset": "data.source",
    "max_seq_length": "data.max_length",
    "cutoff_len": "data.max_length",
    "sequence_len": "data.max_length",
    "val_size": "data.validation_split",
    "lr": "train.learning_rate",
    "epochs": "train.num_train_epochs",
    "num_epochs": "train.num_train_epochs",
    "batch_size": "train.per_device_train_batch_size",
    "micro_batch_size": "train.per_device_train_batch_size",
    "fp16": "model.dtype",
    "bf16": "model.dtype",
}


def refusal(error: ValidationError, where: str, known: Known) -> UserError:
    """All faults of a recipe at once, unless there are very many; `where` says which recipe it is."""
    faults = list(dict.fromkeys(_sentence(fault, known) for fault in error.errors()))
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = "\n".join(f"  {fault}" for fault in faults[:SHOWN_FAULTS])
    lines += f"\n  and {len(faults) - SHOWN_FAULTS:,} more" if len(faults) > SHOWN_FAULTS else ""
    return UserError(f"{where} has {count}:\n{lines}", "Every key with its meaning: docs/recipe.md")


def _sentence(fault: ErrorDetails, known: Known) -> str:
    # A union adds its branch to the location ("target_modules", "tuple[...]"); two parts name the setting.
    location = [cut(str(part)) for part in fault["loc"]]
    path = ".".join(location[:2])
    if fault["type"] == "extra_forbidden":
        if len(location) == 1:
            return f"{path}: no such section{_nearest_section(path, known)}"
        return f"{path}: no such setting{_nearest(path, known)}"
    reason = fault["msg"][0].lower() + fault["msg"][1:].replace("Input ", "")
    allowed = _allowed(path, known[path]) if path in known else ""
    return f"{path} = {cut(shown(fault['input']))}: {allowed or reason.removeprefix('input ')}"


def _nearest_section(name: str, known: Known) -> str:
    """For a key that is written above the first table, or a misspelt table."""
    sections = list(dict.fromkeys(path.partition(".")[0] for path in known))
    candidates = [ALIASES[name]] if name in ALIASES else []
    candidates += [path for path in known if path.endswith(f".{name}")]
    candidates += [f"[{near}]" for near in difflib.get_close_matches(name, sections, 1)]
    if candidates:
        return f"; did you mean {candidates[0]}?"
    return f"; there are {' '.join(f'[{section}]' for section in sections)}"


def _nearest(path: str, known: Known) -> str:
    key = path.partition(".")[2]
    if key in ALIASES:
        return f"; here it is called {ALIASES[key]}"
    elsewhere = [other.partition(".")[0] for other in known if other.endswith(f".{key}")]
    if elsewhere:
        return f"; it belongs in [{elsewhere[0]}]"
    near = difflib.get_close_matches(path, known, 1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _allowed(path: str, field: FieldInfo) -> str:
    """For a setting with a fixed choice: the choice, in one sentence."""
    choices = ", ".join(map(shown, literals(field.annotation)))
    if not choices or str in _members(field.annotation):
        return ""
    return f"must be a list of names or {choices}" if path == "lora.target_modules" else f"must be one of {choices}"


def literals(annotation: Any) -> Iterator[str]:
    """The texts that a type offers to choose from."""
    for member in _members(annotation):
        if isinstance(member, str):
            yield member
        else:
            yield from literals(member)


def _members(annotation: Any) -> Iterable[Any]:
    return getattr(annotation, "__args__", ())


def shown(value: Any, depth: int = SHOWN_DEPTH) -> str:
    """A value as a recipe has it, down to so many levels."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list | dict) and not depth:
        return "..."
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(item, depth - 1) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {shown(item, depth - 1)}" for key, item in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def cut(text: str) -> str:
    """As much of it as a sentence shows."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
