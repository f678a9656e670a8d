"""How the page's handlers answer: at once, without a spinner over what they change."""

from typing import Any

QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
