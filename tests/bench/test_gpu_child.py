"""The parts that only a card reaches, with what torch says of one put in its place."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.gpu import environment
from bench.gpu.child import Peak, cap_memory, write_peak
from bench.gpu.weights import SHAPES
from qwenlab.runs.record import Hardware


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """80 GB, of which 70 are free and 5 are reserved; `fraction` is the limit that the allocator was given."""
    import torch

    said = SimpleNamespace(free=70 * 10**9, total=80 * 10**9, reserved=5 * 10**9, fraction=None)
    answers: dict[str, Any] = {
        "is_available": lambda: True,
        "mem_get_info": lambda device=None: (said.free, said.total),
        "memory_reserved": lambda device=None: said.reserved,
        "max_memory_reserved": lambda: 7 * 10**9,
        "max_memory_allocated": lambda: 6 * 10**9,
        "set_per_process_memory_fraction": lambda fraction: setattr(said, "fraction", fraction),
        "get_per_process_memory_fraction": lambda device=None: said.fraction,
        "get_device_capability": lambda: (9, 0),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    return said


def test_a_cap_limits_the_allocator_and_what_is_said_to_be_free(card: SimpleNamespace) -> None:
    import torch

    cap_memory(24)
    assert card.fraction == pytest.approx(24 / 80)
    assert torch.cuda.mem_get_info() == (19 * 10**9, 24 * 10**9)
    assert torch.cuda.get_per_process_memory_fraction() == 1.0, "or the limit is taken off what is already limited"
    card.free = 3 * 10**9  # others use the card as well
    assert torch.cuda.mem_get_info() == (3 * 10**9, 24 * 10**9)
    card.reserved = 30 * 10**9
    assert torch.cuda.mem_get_info(0) == (0, 24 * 10**9)


def test_a_cap_above_the_card_is_the_card(card: SimpleNamespace) -> None:
    cap_memory(100)
    assert card.fraction == 1.0


def test_the_peak_is_written(card: SimpleNamespace, tmp_path: Path) -> None:
    write_peak(tmp_path / "peak.json")
    assert Peak.model_validate_json((tmp_path / "peak.json").read_bytes()) == Peak(allocated_gb=6, reserved_gb=7)


@pytest.mark.parametrize(("free", "said"), [(70.0, "70.0 of 80.0 GB free"), (None, "80.0 of 80.0 GB free")])
def test_the_card_and_what_is_missing_are_told(
    card: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, free: float | None, said: str
) -> None:
    machine = Hardware(
        gpu="H", gpu_memory_gb=80.0, gpu_free_gb=free, cpu="P", cpu_cores=16, memory_gb=128.0, system="Linux"
    )
    monkeypatch.setattr(environment, "hardware", lambda: machine)
    monkeypatch.setattr(environment, "OTHER_PACKAGES", ("no-such-package",))
    found = environment.environment()
    assert found.capability == "9.0"
    assert "no-such-package" in found.missing
    assert found.sentence.startswith(f"H, {said}; not installed: ")


@pytest.mark.parametrize(("name", "parameters"), [("qwen2.5-7b", 7_615_616_512), ("qwen3-4b", 4_022_468_096)])
def test_shapes_are_the_published_ones(name: str, parameters: int) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**SHAPES[name]))
    assert model.num_parameters() == parameters
