"""All attempts of all groups: `python -m tests.faults`, or `make faults`.

    python -m tests.faults --group requests          # one group
    python -m tests.faults --write docs/reliability.md

Prints a line for each group the moment it ends, and each loss below it. Exit code 1: something was lost.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

from tests.faults.group import Outcome, find_groups, try_named
from tests.faults.page import page


def main() -> int:
    """Make the attempts, and say what became of them."""
    found = find_groups()
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="What goes wrong, tried on purpose.")
    parser.add_argument("--group", action="append", choices=found, help="only this one; may be given several times")
    parser.add_argument("--count", type=int, help="attempts of each group; else all of them")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="the page with the table, such as docs/reliability.md"
    )
    parser.add_argument("--jobs", type=int, default=1, help="groups beside each other, each in its own process")
    asked = parser.parse_args()
    outcomes: dict[str, Outcome] = {}
    with ProcessPoolExecutor(asked.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        running = {pool.submit(try_named, name, asked.count): name for name in asked.group or found}
        for ended in as_completed(running):
            outcome = outcomes[running[ended]] = ended.result()
            print(outcome.sentence, flush=True)
            for loss in outcome.lost:
                print(f"  lost: {loss}", flush=True)
    if asked.write:
        rows = [outcomes[name] for name in sorted(outcomes)]
        asked.write.write_text(page(rows, datetime.now(UTC).date()), encoding="utf-8")
    return 1 if any(outcome.lost for outcome in outcomes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
