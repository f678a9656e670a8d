"""Which models and data there are to choose from: on this disk, and of the hub those that fit the card."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from qwenlab import nvidia
from qwenlab.hub import cached_models
from qwenlab.recipe import TINY
from qwenlab.ui.run_cache import readable

Choice = tuple[str, str]
"""What is shown, and the value."""

TIGHT = 0.9
"""Share of the card from which on it is tight, as the plan says it."""


class Known(NamedTuple):
    """A model that trains on one card, with the GB that `small_gpu.toml` takes with it by `training/estimate.py`."""

    name: str
    in_4_bits: float | None
    """None: its makers advise against."""
    in_16_bits: float


RECOMMENDED = (
    Known("Qwen/Qwen3-4B-Instruct-2507", 4.8, 10.2),
    Known("Qwen/Qwen3-8B", 8.4, 18.7),
    Known("Qwen/Qwen2.5-7B-Instruct", 7.8, 17.5),
    Known("Qwen/Qwen2.5-Coder-7B-Instruct", 7.8, 17.5),
    Known("Qwen/Qwen2.5-1.5B-Instruct", 3.1, 5.1),
    Known("Qwen/Qwen3.5-0.8B", None, 3.4),
    Known("Qwen/Qwen3.5-2B", None, 5.7),
    Known("Qwen/Qwen3.5-4B", None, 10.6),
    Known("Qwen/Qwen3.5-9B", None, 20.2),
)


def model_choices() -> list[Choice]:
    """The bundled model, then what is on this disk, then what can be fetched; what fits comes first."""
    card = card_gb()
    on_disk = cached_models()
    known = {each.name: each for each in RECOMMENDED}
    here = [(f"{name} · on this disk{_fit(known.get(name), card)}", name) for name in on_disk]
    others = sorted(
        (each for each in RECOMMENDED if each.name not in on_disk), key=lambda each: not card or least_gb(each) > card
    )
    return [(f"{TINY} · bundled, needs no GPU", TINY), *here, *((f"{e.name}{_fit(e, card)}", e.name) for e in others)]


def data_choices(runs: Path) -> list[Choice]:
    """The bundled data, files that were uploaded, and what earlier runs were trained on; each once, newest first."""
    found = [f"{path}" for path in sorted(_uploads(runs), key=lambda path: path.stat().st_mtime, reverse=True)]
    found += [run.recipe.data.source for run in reversed(readable(runs))]
    return [
        (f"{TINY} · bundled", TINY),
        *((_short(source), source) for source in dict.fromkeys(found) if source != TINY),
    ]


def card_gb() -> float | None:
    """The memory of the machine's card."""
    found = nvidia.cards()
    return found[0].memory_gb if found else None


def least_gb(model: Known) -> float:
    return model.in_16_bits if model.in_4_bits is None else model.in_4_bits


def _fit(model: Known | None, card: float | None) -> str:
    """What it takes, held against the card."""
    if model is None:
        return ""
    if not card:
        return f" · needs a GPU with {least_gb(model):.0f} GB or more"
    for need, how in ((model.in_16_bits, ""), (model.in_4_bits, " in 4 bits")):
        if need and need <= card:
            return f" · {'fits' if need <= TIGHT * card else 'tight on'} your {card:.0f} GB{how}"
    return f" · needs {least_gb(model):.0f} GB, your card has {card:.0f}"


def _uploads(runs: Path) -> Iterator[Path]:
    """Files, and folders of several that were dropped together."""
    for folder in (runs / ".uploads").glob("*"):
        files = list(folder.iterdir()) if folder.is_dir() else []
        if files:
            yield files[0] if len(files) == 1 else folder


def _short(source: str) -> str:
    """A file by its name, with the folder that tells it from others of the name behind it."""
    if os.sep not in source or not Path(source).exists():
        return source
    return f"{Path(source).name} · {Path(source).parent}"
