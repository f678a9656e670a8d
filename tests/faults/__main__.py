"""All attempts of all groups: `python -m tests.faults`, or `make faults`.

    python -m tests.faults --group requests          # one group
    python -m tests.faults --write docs/reliability.md

Prints a line for each group the moment it ends, and each loss below it. Exit code 1: something was lost.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.group import Outcome, find_groups, try_group
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
    asked = parser.parse_args()
    outcomes: list[Outcome] = []
    for name in asked.group or found:
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            outcomes.append(try_group(found[name], asked.count or found[name].ALL, Path(folder)))
        print(outcomes[-1].sentence, flush=True)
        for loss in outcomes[-1].lost:
            print(f"  lost: {loss}", flush=True)
    if asked.write:
        asked.write.write_text(page(outcomes, datetime.now(UTC).date()), encoding="utf-8")
    return 1 if any(outcome.lost for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
