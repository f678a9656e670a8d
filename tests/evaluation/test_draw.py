"""What is drawn of things in groups: shares, order, and that the same is drawn again."""

from collections import Counter

import pytest

from qwenlab.evaluation.draw import draw


def made(**counts: int) -> list[str]:
    """So many things of each group, in turns: A9, B9, A8..."""
    left = Counter(counts)
    things: list[str] = []
    while left.total():
        for group in [name for name in counts if left[name]]:
            left[group] -= 1
            things.append(f"{group}{left[group]}")
    return things


def group(thing: str) -> str:
    return thing[0]


def test_each_group_has_its_share() -> None:
    # 10 of 20: 5, 3.5, 1, 0.5; the half that is left goes to the first name of equal remainders.
    drawn = draw(made(D=1, A=10, B=7, C=2), 10, 0, group)
    assert Counter(map(group, drawn)) == {"A": 5, "B": 4, "C": 1}


def test_the_largest_remainder_wins() -> None:
    # 5 of 12: 2.917, 1.25, 0.833.
    drawn = draw(made(A=7, B=3, C=2), 5, 0, group)
    assert Counter(map(group, drawn)) == {"A": 3, "B": 1, "C": 1}


def test_the_seed_draws_and_the_order_stays() -> None:
    things = made(A=30, B=30)
    drawn = draw(things, 20, 1, group)
    assert drawn == draw(things, 20, 1, group) != draw(things, 20, 2, group)
    assert len(drawn) == 20 and list(drawn) == sorted(drawn, key=things.index)


def test_a_group_is_drawn_whatever_the_others_are() -> None:
    alone = draw(made(A=30), 10, 1, group)
    among = draw(made(B=60, A=30, C=30), 40, 1, group)
    assert tuple(thing for thing in among if group(thing) == "A") == alone


def test_a_seed_draws_what_it_always_drew() -> None:
    assert draw(made(A=6, B=3), 3, 42, group) == ("B1", "A3", "A0")


@pytest.mark.parametrize("limit", [0, 5, 6])
def test_all_where_there_are_no_more(limit: int) -> None:
    things = made(A=3, B=2)
    assert draw(things, limit, 0, group) == tuple(things)
