"""The first attempts of each group."""

from pathlib import Path

import pytest

from tests.faults.group import Group, find_groups, try_group

GROUPS = find_groups()


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_the_first_attempts_hold(group: Group, tmp_path: Path) -> None:
    outcome = try_group(group, group.FIRST, tmp_path)
    assert outcome.tried == group.FIRST
    assert not outcome.lost
