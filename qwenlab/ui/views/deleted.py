"""The deleted runs that are still kept, to be put back or removed for good."""

import math
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.runs import Run, list_evaluations
from qwenlab.runs.deleted import KEPT_DAYS, DeletedRun, list_deleted, size
from qwenlab.runs.exports import list_exports
from qwenlab.text import disk
from qwenlab.ui.components import lab, text
from qwenlab.ui.run_cache import name


def contents(run: Run) -> str:
    """What goes with it: `, its adapter and 3 evaluations`; empty where there is nothing."""
    parts = ["its adapter"] if run.adapter.exists() else []
    for count, what in ((len(list_evaluations(run)), "evaluation"), (len(list_exports(run)), "export")):
        if count:
            parts.append(f"{count} {what}{'' if count == 1 else 's'}")
    return f", {', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else f" and {parts[0]}" if parts else ""


def deleted_state(runs: Path) -> str:
    """Another text whenever the list says something else."""
    return repr([(one.run.name, math.ceil(one.days_left)) for one in list_deleted(runs)])


def deleted_runs(runs: Path) -> tuple[str, int]:
    """The list, and how many there are."""
    found = list_deleted(runs)
    sizes = [size(one.run.folder) for one in found]
    if not found:
        return lab(f"<p class='quiet'>None. A run that is deleted is kept here for {KEPT_DAYS} days.</p>"), 0
    rows = "".join(_row(one, taken) for one, taken in zip(found, sizes, strict=True))
    return lab(f'<p class="quiet">They take {disk(sum(sizes))}.</p><ul class="deleted">{rows}</ul>'), len(found)


def deleted_name(one: DeletedRun) -> str:
    """As the run was called before; its title is kept with it."""
    try:
        return known if (known := name(one.run)) != one.run.name else one.name
    except UserError:
        return one.name


def _row(one: DeletedRun, taken: int) -> str:
    days = math.ceil(one.days_left)
    which = text(deleted_name(one))
    unseen = f'<span class="unseen"> {which}</span>'
    return (
        f'<li class="card"><span><b>{which}</b> <span class="quiet">{disk(taken)}, '
        f"removed for good in {days} day{'' if days == 1 else 's'}</span></span>"
        f'<span class="links"><button type="button" data-put-back="{text(one.run.name)}">Put back{unseen}</button>'
        f'<button type="button" data-remove-run="{text(one.run.name)}">Delete for good{unseen}</button></span></li>'
    )
