"""The plan card: what stands on it, and when it is worked out anew."""

from pathlib import Path
from typing import Any

import pytest

from qwenlab.recipe import Recipe
from qwenlab.runs.plan import PlanRecord
from qwenlab.runs.record import Hardware
from qwenlab.ui.views import plan
from qwenlab.ui.views.plan import plan_card, plan_key, start_plan

RECIPE = Recipe()


def known(runs: Path, free_gb: float | None, **others: Any) -> None:
    """A plan of the default recipe on an RTX 4090 lies in the folder."""
    card = Hardware(
        gpu="RTX 4090", gpu_memory_gb=25.8, gpu_free_gb=free_gb, cpu="", cpu_cores=8, memory_gb=64, system=""
    )
    values: dict[str, Any] = {
        "rows_in": 100, "rows_kept": 90, "train_rows": 80, "validation_rows": 10, "steps": 5, "tokens": 9000,
        "rows_per_step": 16, "engine": "unsloth", "why": "RTX 4090 is supported",
        "dtype": "float16", "attention": "sdpa", "deterministic": True, "hardware": card,
        "memory": {"weights": 15.2, "context": 1.4}, "verdict": "fits",
    }  # fmt: skip
    file = runs / ".plans" / f"{plan_key(RECIPE)}.json"
    file.parent.mkdir(parents=True)
    file.write_text(PlanRecord(**(values | others)).model_dump_json())


def test_it_tells_attention_free_memory_and_every_note(tmp_path: Path) -> None:
    known(tmp_path, 11.5, verdict="will not fit", notes=["trains without <torch.compile>"])
    card = plan_card(tmp_path, RECIPE)
    assert "sdpa, deterministic" in card
    assert "about 16.6 of 25.8 GB, of which 11.5 GB are free" in card
    assert '<b class="red">will not fit</b>' in card
    assert '<p class="amber">trains without &lt;torch.compile&gt;</p>' in card


def test_a_driver_that_does_not_say_what_is_free(tmp_path: Path) -> None:
    known(tmp_path, None)
    assert "about 16.6 of 25.8 GB<" in plan_card(tmp_path, RECIPE)


@pytest.mark.parametrize(("free_gb", "again"), [(11.5, True), (None, False)])
def test_what_is_free_is_looked_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_gb: float | None, again: bool
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(plan, "launch", lambda *values: started.append(values))
    known(tmp_path, free_gb)
    start_plan(tmp_path, RECIPE, ["recipe.toml"])
    assert bool(started) is again
