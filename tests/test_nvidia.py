"""What the driver says of the cards, from an nvidia-smi that answers as the real one does."""

from pathlib import Path

import pytest

from qwenlab import nvidia
from qwenlab.nvidia import Card


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an nvidia-smi on the PATH; without one of its own, there is no driver."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def says(folder: Path, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_cards_in_gb(driver: Path) -> None:
    says(driver, "echo 'NVIDIA GeForce RTX 4090, 24564, 11000'; echo 'Tesla T4, 15360, 15000'")
    assert nvidia.cards() == [Card("NVIDIA GeForce RTX 4090", 25.8, 11.5), Card("Tesla T4", 16.1, 15.7)]


def test_one_card_is_asked_for_by_its_uuid(driver: Path) -> None:
    says(driver, 'echo "$*, 1000, 500"')
    assert nvidia.cards("GPU-1234")[0].name.endswith("-i GPU-1234")


@pytest.mark.parametrize(
    "script",
    ["echo 'NVIDIA-SMI has failed'; exit 9", "echo 'No devices were found'", "exit 0", "echo oops >&2; exit 1"],
)
def test_a_driver_that_fails_has_no_cards(driver: Path, script: str) -> None:
    says(driver, script)
    assert nvidia.cards() == []


def test_an_integrated_card_does_not_say(driver: Path) -> None:
    says(driver, "echo 'Orin, [N/A], [N/A]'")
    assert nvidia.cards() == [Card("Orin", None, None)]


def test_without_a_driver_there_are_no_cards(driver: Path) -> None:
    assert nvidia.cards() == []
