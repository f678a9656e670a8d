"""The plan card: what would happen, before it does."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.report.charts import bar
from qwenlab.runs import Run
from qwenlab.runs.events import Train, of_kind
from qwenlab.runs.launch import Launch, launch, list_launches
from qwenlab.runs.plan import PlanRecord
from qwenlab.text import duration
from qwenlab.ui.components import card, facts, fault, text
from qwenlab.ui.run_cache import events, readable, record, stamp

HINT = (
    "<b>Before it starts</b><p class='quiet'>See the plan tells rows, steps, tokens, time and memory. "
    "Nothing is loaded or trained for it.</p>"
)
SPEED_RUNS = 20
"""Earlier runs that are looked through for one that tells the speed."""


def plan_key(recipe: Recipe) -> str:
    """The same for the same recipe over the same data file; a short name for files."""
    identity = json.dumps([recipe.model_dump(mode="json"), stamp(Path(recipe.data.source))])
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def start_plan(runs: Path, recipe: Recipe, arguments: Sequence[str]) -> Launch | None:
    """Work the plan out in a process of its own, unless it is known or under way.

    A plan that tells how much of the card is free is of its moment, and is worked out again.
    """
    key = plan_key(recipe)
    file = _file(runs, key)
    known = _read(file)
    if plan_pending(runs, recipe) or (known and known.hardware.gpu_free_gb is None):
        return None
    file.unlink(missing_ok=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    return launch(runs, "train", [*arguments, "--dry-run", "--plan", str(file)], f"plan-{key}")


def plan_pending(runs: Path, recipe: Recipe) -> bool:
    """Whether the plan is being worked out."""
    return any(found.is_alive for found in list_launches(runs, f"plan-{plan_key(recipe)}"))


def plan_card(runs: Path, recipe: Recipe) -> str:
    """What is known of this recipe's plan: nothing, that it is under way, what went wrong, or the plan."""
    key = plan_key(recipe)
    plan = _read(_file(runs, key))
    if plan:
        return _card(plan, recipe, runs)
    launches = list_launches(runs, f"plan-{key}")
    if not launches:
        return card(HINT)
    if launches[-1].is_alive:
        return card("<b>Before it starts</b><p class='quiet' role='status'>Working out the plan: reading the data.</p>")
    return fault(launches[-1].last_words)


def _card(plan: PlanRecord, recipe: Recipe, runs: Path) -> str:
    numbers = plan.facts() | {"time": _time(plan, recipe, runs)}
    shown = facts({name: text(value) for name, value in numbers.items()})
    told = "".join(f'<p class="amber">{text(note)}</p>' for note in plan.notes)
    return card(f"<b>Before it starts</b>{shown}{_memory(plan)}{told}")


def _memory(plan: PlanRecord) -> str:
    card_gb, free = plan.hardware.gpu_memory_gb, plan.hardware.gpu_free_gb
    if not plan.memory or not card_gb:
        return ""
    colour = {"fits": "accent", "tight": "amber"}.get(plan.verdict, "red")
    parts = ", ".join(f"{name} {size:.1f}" for name, size in plan.memory.items())
    return (
        f'<p>memory <b class="{colour}">{plan.verdict}</b>: {plan.memory_in_words}</p>'
        f"{bar(sum(plan.memory.values()), card_gb if free is None else free, colour, 'Memory')}"
        f'<p class="quiet">estimate in GB: {text(parts)}</p>'
    )


def _time(plan: PlanRecord, recipe: Recipe, runs: Path) -> str:
    """From the speed of the latest run of the same base weights on the same machine."""
    for run in readable(runs)[: -SPEED_RUNS - 1 : -1]:
        hardware = record(run).hardware
        known = hardware and (hardware.gpu, hardware.cpu)
        if known == (plan.hardware.gpu, plan.hardware.cpu) and run.recipe.model == recipe.model:
            speeds = sorted(_speeds(run))
            if speeds:
                return (
                    f"about {duration(plan.tokens / max(speeds[len(speeds) // 2], 1e-9))}, at the speed of {run.name}"
                )
    return "known after the first steps: no earlier run of this model on this machine"


def _speeds(run: Run) -> list[float]:
    try:
        return [event.tokens_per_second for event in of_kind(events(run), Train)]
    except UserError:  # its events cannot be read: another run tells
        return []


def _read(file: Path) -> PlanRecord | None:
    """None: there is no plan, or one of another version, and it is worked out anew."""
    try:
        return PlanRecord.read(file)
    except UserError:
        return None


def _file(runs: Path, key: str) -> Path:
    return runs / ".plans" / f"{key}.json"
