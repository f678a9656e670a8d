"""Which engine trains here: Unsloth on a GPU that it supports, plain TRL + PEFT elsewhere.

Unsloth patches trl, transformers and peft as it is imported, so it has to come first; and it reads its settings from
the environment as it is imported, so those come before it. `choose_engine` is therefore the first call of every
process that uses a model, and the room's other modules are imported after it.
"""

import logging
import os
import platform
import sys
from pathlib import Path
from typing import Any, Literal, NamedTuple

from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings
from qwenlab.training.toolchain import missing_for_triton

Device = Literal["cuda", "cpu"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "qwenlab"

AUTO = 'Set model.engine = "auto" to train with plain TRL + PEFT where Unsloth cannot.'

UNSLOTH_LOSS_GIB = 1
"""GiB that a chunk of Unsloth's loss takes: 440 tokens of a vocabulary of 152,064 at 16 bytes a logit."""


class Engine(NamedTuple):
    """The engine's name, the reason for it, where it computes and in which precision."""

    name: Literal["unsloth", "transformers"]
    why: str
    device: Device
    dtype: Literal["float16", "bfloat16", "float32"]

    @property
    def bytes_each(self) -> int:
        """Bytes of a weight in this precision."""
        return 4 if self.dtype == "float32" else 2


def choose_engine(settings: ModelSettings) -> Engine:
    """Decide, prepare the environment, and import Unsloth if it is the one.

    Raises:
        UserError: the recipe asks for Unsloth and it does not run here, or not as the recipe asks.
    """
    torch = import_torch()
    device: Device = "cuda" if settings.device_map != "cpu" and torch.cuda.is_available() else "cpu"
    dtype = _dtype(settings, device)
    if settings.engine == "transformers":
        return Engine("transformers", "the recipe asks for it", device, dtype)
    if settings.engine == "auto" and device == "cpu":
        return Engine("transformers", "there is no GPU", device, dtype)
    if device == "cuda" and dtype == "float32":
        if settings.engine == "unsloth":
            raise UserError(
                'model.dtype = "float32": Unsloth trains in 16 bits on a GPU.',
                'Set model.dtype = "auto", or model.engine = "transformers" to train in 32 bits.',
            )
        return Engine("transformers", "Unsloth trains in 16 bits, and the recipe asks for float32", device, dtype)
    missing = missing_for_triton() if device == "cuda" else None
    if missing and settings.engine == "unsloth":
        raise UserError(f"Unsloth does not run here: {missing.what}.", f"{missing.command}\n{AUTO}")
    problem = str(missing) if missing else _import_unsloth()
    if not problem:
        why = "the recipe asks for it" if settings.engine == "unsloth" else f"{_gpu_name()} is supported"
        return Engine("unsloth", why, device, dtype)
    if settings.engine == "unsloth":
        raise UserError(f"Unsloth does not run here: {problem}", AUTO)
    return Engine("transformers", f"Unsloth does not run here: {problem}", device, dtype)


def import_torch() -> Any:
    """torch, which reads its environment as it is imported, so that comes first."""
    set_environment()
    import torch

    return torch


def set_environment() -> None:
    """What the libraries read from the environment as they are imported. What the user has set stays."""
    defaults = {
        "UNSLOTH_DISABLE_STATISTICS": "1",  # it would tell the hub about this machine
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",  # of the trainer's own passes over the rows, between our lines
        # Unsloth writes generated code there and runs it; its own default is the current folder.
        "UNSLOTH_COMPILE_LOCATION": str(CACHE / "unsloth_compiled"),
        "TOKENIZERS_PARALLELISM": "true",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # cuBLAS is deterministic only with this
        # Unsloth computes its loss in chunks of so many GiB. Its own choice is half of what is free at the first step,
        # so that rounding, speed and the peak would depend on what else uses the card.
        "UNSLOTH_CE_LOSS_TARGET_GB": str(UNSLOTH_LOSS_GIB),
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
        # How long a thread of torch spins for its next piece of work. Without a bound, two jobs on the same cores
        # spend most of their time spinning.
        "GOMP_SPINCOUNT": "20000",
    }
    # Less memory lost to gaps. Torch reads it once, as CUDA starts, and reads either name. WSL cannot do it.
    if not {"PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"} & os.environ.keys() and not is_wsl():
        defaults["PYTORCH_ALLOC_CONF"] = "expandable_segments:True"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    # They tell of kernels that are missing on a CPU, and that file times may be coarse: nothing to act on.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    logging.getLogger("transformers.trainer_utils").setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def _import_unsloth() -> str:
    """Import Unsloth; the reason in one sentence where it cannot be had."""
    late = {"trl", "transformers", "peft"} & sys.modules.keys()
    if late and "unsloth" not in sys.modules:
        raise RuntimeError(f"{', '.join(sorted(late))} imported before unsloth: its patches would be lost")
    try:
        import unsloth  # noqa: F401
    # A broken Triton, bitsandbytes or torchao raises AttributeError or OSError as well.
    except Exception as error:  # noqa: BLE001
        text = str(error).strip()
        return text.splitlines()[0] if text else type(error).__name__
    return ""


def is_wsl() -> bool:
    """Whether this is Linux under Windows."""
    return "microsoft" in platform.release().lower()


def _dtype(settings: ModelSettings, device: Device) -> Literal["float16", "bfloat16", "float32"]:
    if device == "cpu":
        return "float32"
    if settings.dtype == "auto":
        return "bfloat16" if import_torch().cuda.is_bf16_supported(including_emulation=False) else "float16"
    return settings.dtype


def _gpu_name() -> str:
    return str(import_torch().cuda.get_device_name(0))
