"""Outcomes before and after with given counts."""


def table(both: int, gained: int, lost: int, n: int) -> tuple[list[bool], list[bool]]:
    """Two runs over `n` problems: `both` solved by both, then those gained, those lost, and the rest by neither."""
    neither = n - both - gained - lost
    before = [True] * both + [False] * gained + [True] * lost + [False] * neither
    after = [True] * both + [True] * gained + [False] * lost + [False] * neither
    return before, after
