"""axe-core over a page as it stands: what cannot be read, reached by keyboard, or heard.

The file is the one that axe-playwright-python ships. Its rules of WCAG 2.1, levels A and AA, and its best practices run
over everything that is in view.
"""

from pathlib import Path
from typing import Any, NamedTuple

import axe_playwright_python
from playwright.sync_api import Page

SCRIPT = Path(axe_playwright_python.__file__).parent / "axe.min.js"
GRAVE = ("serious", "critical")
SETTLED_MS = 1000
"""Colours change softly."""


class Violation(NamedTuple):
    """One rule that is broken, and where."""

    impact: str
    rule: str
    places: list[str]

    def __str__(self) -> str:
        return f"{self.impact}: {self.rule}\n  " + "\n  ".join(self.places)


def grave_violations(page: Page) -> list[str]:
    """What is serious or critical, in light and in dark; the page is left in light."""
    found = []
    for scheme in ("dark", "light"):
        page.evaluate("isDark => document.body.classList.toggle('dark', isDark)", scheme == "dark")
        page.wait_for_timeout(SETTLED_MS)
        found += [f"in {scheme}, {one}" for one in violations(page) if one.impact in GRAVE]
    return found


def violations(page: Page) -> list[Violation]:
    """All that axe-core finds, the gravest first."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run(document)).violations")
    order = ("critical", "serious", "moderate", "minor")
    listed = [
        Violation(
            one["impact"],
            f"{one['id']}: {one['help']}",
            [f"{node['html'][:200]} | {_why(node)}" for node in one["nodes"]],
        )
        for one in found
    ]
    return sorted(listed, key=lambda one: order.index(one.impact))


def _why(node: dict[str, Any]) -> str:
    told = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
    return told[0] if told else ""
