"""docs/reliability.md, from what became of the groups."""

from collections.abc import Sequence
from datetime import date

from tests.faults.group import Outcome

ABOUT = """# Reliability

What goes wrong outside is tried on purpose: processes are killed, disks are full, files are damaged, programs are
hostile, requests are malformed. `make faults` makes all attempts and writes this page; `make test` makes the first of
each group. What is promised about security, and what is not, is in [SECURITY.md](../SECURITY.md).
"""


def page(outcomes: Sequence[Outcome], day: date) -> str:
    """The page, with a row for each group and what was lost below the table."""
    rows = [
        f"| {one.title} | {one.promise} | {one.tried:,} | {one.tried - len(one.lost):,} | {len(one.lost):,} |"
        for one in outcomes
    ]
    table = ["| tried | what has to hold | attempts | held | lost |", "| --- | --- | --- | --- | --- |", *rows]
    lost = [f"- {one.title}: {' '.join(loss.split())}" for one in outcomes for loss in one.lost]
    parts = [ABOUT, f"`make faults`, {day:%Y-%m-%d}:\n", "\n".join(table) + "\n"]
    return "\n".join([*parts, "Lost:\n", "\n".join(lost) + "\n"] if lost else parts)
