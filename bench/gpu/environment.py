"""What this machine is: its card, free memory, versions, and what Triton needs to compile.

    python -m bench.gpu.environment FILE.json

A process of its own, since asking torch for the card starts CUDA, which takes memory of it while the process lives.
"""

import importlib.metadata
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from bench.gpu.results import Environment
from qwenlab.training.environment import OTHER_PACKAGES, TRAINING_PACKAGES, hardware
from qwenlab.training.toolchain import missing_for_triton


def environment() -> Environment:
    """The machine as torch, the driver and the operating system see it; without a command."""
    import torch

    versions, missing = {"python": platform.python_version()}, []
    for name in (*TRAINING_PACKAGES, *OTHER_PACKAGES):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    machine, lacking = hardware(), missing_for_triton()
    return Environment(
        time=datetime.now(UTC).astimezone(),
        command="",
        dry=False,
        hardware=machine,
        capability=".".join(map(str, torch.cuda.get_device_capability())) if machine.gpu else "",
        driver=_driver(),
        versions=versions,
        missing=[*missing, *([str(lacking)] if lacking else [])],
    )


def _driver() -> str:
    """The driver's version; empty where nvidia-smi is not there to say it."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.splitlines()[0].strip() if said else ""


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(environment().model_dump_json(), encoding="utf-8")
