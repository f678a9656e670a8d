"""What NVIDIA's driver says of the cards, asked through nvidia-smi: without torch, and without a CUDA context, which
would itself take memory of the card that it asks about.
"""

import shutil
import subprocess
from typing import NamedTuple

from qwenlab.credentials import environment


class Card(NamedTuple):
    """A card's name and its memory in GB (10^9 bytes), of which `free_gb` is taken by no program.

    None: an integrated card, whose driver does not say.
    """

    name: str
    memory_gb: float | None
    free_gb: float | None


def cards(uuid: str | None = None) -> list[Card]:
    """All cards, in the driver's order, or the one with that UUID; none where there is no driver."""
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    query += ["-i", uuid] if uuid else []
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=20, env=environment())
    except subprocess.TimeoutExpired:
        return []
    return [] if answer.returncode else [_card(line) for line in answer.stdout.splitlines() if line.count(",") >= 2]


def _card(line: str) -> Card:
    name, total, free = line.rsplit(",", 2)
    return Card(name.strip(), _gb(total), _gb(free))


def _gb(mebibytes: str) -> float | None:
    try:
        return round(float(mebibytes) * 2**20 / 1e9, 1)
    except ValueError:  # "[N/A]"
        return None
