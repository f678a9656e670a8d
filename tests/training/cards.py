"""Cards that are not there, for what asks torch about the card before it computes on one.

    python -m tests.training.cards "NVIDIA GeForce RTX 4090" 8.9 25.8 -- qwenlab.train recipes/default.toml --dry-run

runs a command line as on that card (name, compute capability, GB). Nothing can be computed on it. With a folder in
QWENLAB_TEST_HEADERS, Python's headers are looked for there.
"""

import os
import runpy
import sys
import sysconfig
from types import SimpleNamespace
from typing import Any

UUID = "00000000-0000-0000-0000-000000000000"


def answers(name: str, capability: str, memory_gb: float) -> dict[str, Any]:
    """Functions of torch.cuda, and what they answer for such a card."""
    major, minor = map(int, capability.split("."))
    properties = SimpleNamespace(
        name=name, total_memory=int(memory_gb * 1e9), major=major, minor=minor, uuid=UUID, multi_processor_count=1
    )
    return {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "get_device_name": lambda *_: name,
        "get_device_capability": lambda *_: (major, minor),
        "get_device_properties": lambda *_: properties,
        "is_bf16_supported": lambda including_emulation=True: including_emulation or major >= 8,
    }


def main(name: str, capability: str, memory_gb: str, *command: str) -> None:
    import torch

    for function, answer in answers(name, capability, float(memory_gb)).items():
        setattr(torch.cuda, function, answer)
    if headers := os.environ.get("QWENLAB_TEST_HEADERS"):
        paths = sysconfig.get_paths()
        sysconfig.get_paths = lambda *_: paths | {"include": headers}
    module, *arguments = command[1:] if command[0] == "--" else command
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
