"""What a run is made of, for its record: versions, hardware, attention, and what Unsloth replaced."""

import importlib.metadata
import platform
import sys
from pathlib import Path
from typing import Any

import psutil

from qwenlab import __version__
from qwenlab.model.engine import Engine
from qwenlab.runs.record import Hardware

# A resumed run must find these as they were; the others are told for the reader.
TRAINING_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "unsloth", "unsloth_zoo")
OTHER_PACKAGES = ("triton", "xformers", "datasets", "tokenizers", "polars")


def versions(engine: Engine) -> dict[str, str]:
    """Python's version and those of the packages that this engine computes with."""
    packages = [
        name
        for name in TRAINING_PACKAGES + OTHER_PACKAGES
        if engine.name == "unsloth" or not name.startswith("unsloth")
    ]
    return {"qwenlab": __version__, "python": platform.python_version()} | {
        name: importlib.metadata.version(name) for name in packages
    }


def hardware() -> Hardware:
    """The machine as torch and the operating system see it."""
    import torch

    gpu = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None
    return Hardware(
        gpu=gpu.name if gpu else None,
        gpu_memory_gb=round(gpu.total_memory / 1e9, 1) if gpu else None,
        cpu=_cpu_name(),
        cpu_cores=psutil.cpu_count() or 1,
        memory_gb=round(psutil.virtual_memory().total / 1e9, 1),
        system=platform.platform(),
    )


def attention(model: Any, engine: Engine) -> str:
    """The attention in use: flash, xformers or sdpa (PyTorch's own).

    Unsloth decides at import among the packages that it finds; elsewhere the model's configuration says it.
    """
    if engine.name == "unsloth":
        import torch
        from unsloth.utils import attention_dispatch

        # Flash attention wants compute capability 8 (RTX 30 and newer); Unsloth passes it over on older cards.
        if attention_dispatch.HAS_FLASH_ATTENTION and torch.cuda.get_device_capability()[0] >= 8:
            return "flash"
        return "xformers" if attention_dispatch.HAS_XFORMERS else "sdpa"
    implementation = str(model.config._attn_implementation)
    return "flash" if implementation.startswith("flash") else implementation


def resident_memory_gb() -> float | None:
    """Peak memory that torch has taken on the GPU so far, in GB; None on a CPU."""
    torch = sys.modules["torch"]
    return round(torch.cuda.max_memory_reserved() / 1e9, 2) if torch.cuda.is_available() else None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
