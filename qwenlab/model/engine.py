"""Which engine trains here: Unsloth on a GPU that it supports, plain TRL + PEFT elsewhere.

Unsloth patches trl, transformers and peft as it is imported, so it has to come first; and it reads its settings from
the environment as it is imported, so those come before it. `choose_engine` is therefore the first call of every
process that uses a model, and the room's other modules are imported after it.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from qwenlab.errors import UserError
from qwenlab.recipe import ModelSettings

Device = Literal["cuda", "cpu"]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "qwenlab"

# What `import unsloth` raises where it cannot run: the last two on machines without a GPU that it knows.
UNSLOTH_IMPORT_ERRORS = (ImportError, NotImplementedError, RuntimeError)


class Engine(NamedTuple):
    """The engine's name, the reason for it, where it computes and in which precision."""

    name: Literal["unsloth", "transformers"]
    why: str
    device: Device
    dtype: Literal["float16", "bfloat16", "float32"]


def choose_engine(settings: ModelSettings) -> Engine:
    """Decide, prepare the environment, and import Unsloth if it is the one.

    Raises:
        UserError: the recipe asks for Unsloth and it does not run here.
    """
    set_environment()
    import torch

    device: Device = "cuda" if settings.device_map != "cpu" and torch.cuda.is_available() else "cpu"
    dtype = _dtype(settings, device)
    if settings.engine == "transformers":
        return Engine("transformers", "the recipe asks for it", device, dtype)
    if settings.engine == "auto" and device == "cpu":
        return Engine("transformers", "there is no GPU", device, dtype)
    problem = _import_unsloth()
    if not problem:
        why = "the recipe asks for it" if settings.engine == "unsloth" else f"{_gpu_name()} is supported"
        return Engine("unsloth", why, device, dtype)
    if settings.engine == "unsloth":
        raise UserError(
            f"Unsloth does not run here: {problem}",
            'Set model.engine = "auto" to train with plain TRL + PEFT where Unsloth cannot.',
        )
    return Engine("transformers", f"Unsloth does not run here: {problem}", device, dtype)


def set_environment() -> None:
    """What the libraries read from the environment as they are imported. What the user has set stays."""
    defaults = {
        "UNSLOTH_DISABLE_STATISTICS": "1",  # it would tell the hub about this machine
        "HF_HUB_DISABLE_TELEMETRY": "1",
        # Unsloth writes generated code there and runs it; its own default is the current folder.
        "UNSLOTH_COMPILE_LOCATION": str(CACHE / "unsloth_compiled"),
        "TOKENIZERS_PARALLELISM": "true",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # cuBLAS is deterministic only with this
        "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
        # How long a thread of torch spins for its next piece of work. Without a bound, two jobs on the same cores
        # spend most of their time spinning.
        "GOMP_SPINCOUNT": "20000",
    }
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
    except UNSLOTH_IMPORT_ERRORS as error:
        return str(error).strip().splitlines()[0]
    return ""


def _dtype(settings: ModelSettings, device: Device) -> Literal["float16", "bfloat16", "float32"]:
    import torch

    if device == "cpu":
        return "float32"
    if settings.dtype == "auto":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    return settings.dtype


def _gpu_name() -> str:
    import torch

    return str(torch.cuda.get_device_name(0))
