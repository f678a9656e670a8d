"""What a run is made of, for its record: versions, hardware, attention, and what Unsloth replaced."""

import contextlib
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import psutil
import torch

from qwenlab import __version__, nvidia
from qwenlab.runs.record import Hardware
from qwenlab.training.engine import Engine

# A resumed run must find these as they were; the others are told for the reader.
TRAINING_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "unsloth", "unsloth_zoo")
OTHER_PACKAGES = ("triton", "xformers", "datasets", "tokenizers", "polars")


def versions(engine: Engine) -> dict[str, str]:
    """Python's version and those of the packages that this engine computes with, but for what is not installed."""
    found = {"qwenlab": __version__, "python": platform.python_version()}
    for name in TRAINING_PACKAGES + OTHER_PACKAGES:
        if engine.name == "unsloth" or not name.startswith("unsloth"):
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                found[name] = importlib.metadata.version(name)
    return found


def hardware() -> Hardware:
    """The machine as torch and the operating system see it, and what the driver says is free on the card."""
    gpu = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None
    return Hardware(
        gpu=gpu.name if gpu else None,
        gpu_memory_gb=round(gpu.total_memory / 1e9, 1) if gpu else None,
        gpu_free_gb=_free_gb(gpu.uuid) if gpu else None,
        cpu=_cpu_name(),
        cpu_cores=psutil.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        system=platform.platform(),
    )


def attention(model: Any, engine: Engine) -> str:
    """The attention that a loaded model uses: flash, xformers or sdpa (PyTorch's own).

    Unsloth's models ask the packages that are there; elsewhere the model's configuration says it.
    """
    if engine.name == "unsloth":
        from unsloth.utils.attention_dispatch import select_attention_backend

        return str(select_attention_backend()).removesuffix("_dense")
    implementation = str(model.config._attn_implementation)
    return "flash" if implementation.startswith("flash") else implementation


def _free_gb(uuid: object) -> float | None:
    found = nvidia.cards(f"GPU-{str(uuid).removeprefix('GPU-')}")
    return found[0].free_gb if found else None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
