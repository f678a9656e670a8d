"""What is exported, and how. Light to import."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from qwenlab.exporting.llama_cpp import LlamaCpp
    from qwenlab.runs import Run

GGUF = "model.gguf"


class Target(StrEnum):
    """What an adapter can become."""

    adapter = "adapter"
    merged = "merged"
    gguf = "gguf"
    ollama = "ollama"
    hub = "hub"


class Dtype(StrEnum):
    """Precision of merged weights."""

    auto = "auto"
    float16 = "float16"
    bfloat16 = "bfloat16"


class Job(NamedTuple):
    """What is exported, and how."""

    run: "Run"
    runs: Path
    target: Target
    dtype: Dtype
    llama: "LlamaCpp | None"
    name: str
    """What the export is called in its card."""
    published: bool = False
