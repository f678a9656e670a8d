"""Times as a person says them."""

import pytest

from qwenlab.model.progress import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (734, "12 min"), (5999, "1 h 40 min"), (None, "?")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
