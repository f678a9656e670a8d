"""A judge's outcomes counted, and its agreement with a user: figures by hand, and statsmodels' kappa."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa as statsmodels_kappa

from qwenlab.stats.preference import Cell, Choice, Outcome, agreement, cohens_kappa, preference

CHOICES: tuple[Choice, ...] = ("tuned", "base", "tie")


def test_outcomes_are_counted_and_the_decided_tested() -> None:
    counts: dict[Outcome, int] = {"tuned": 8, "base": 1, "tie": 4, "first": 3, "second": 1, "unsteady": 2,
        "identical": 5, "unreadable": 6}  # fmt: skip
    found = preference([outcome for outcome, count in counts.items() for _ in range(count)])
    assert (found.n, found.wins, found.losses, found.ties) == (30, 8, 1, 4)
    assert (found.flipped.count, found.flipped.n, found.first, found.second) == (6, 19, 3, 1)
    assert (found.identical, found.unreadable) == (5, 6)
    assert (found.win_rate.count, found.win_rate.n) == (8, 9)
    assert found.win_rate.interval == pytest.approx((0.5650, 0.9801), abs=1e-4)
    assert found.p_value == pytest.approx(2 * (1 + 9) / 2**9)
    assert found.wins + found.losses + found.ties + found.flipped.count + 5 + 6 == found.n


def test_without_a_decided_pair_there_is_no_p() -> None:
    nothing = preference(["tie", "first", "identical"])
    assert nothing.p_value is None and nothing.win_rate.value is None
    assert preference([]).n == 0


def test_agreement_by_hand() -> None:
    rows: list[tuple[Choice, Outcome, int]] = [("tuned", "tuned", 6), ("tuned", "base", 1), ("tuned", "tie", 1),
        ("base", "tuned", 2), ("base", "base", 3), ("base", "first", 1), ("tie", "unsteady", 2), ("tie", "tuned", 4),
        ("tie", "identical", 3), ("base", "unreadable", 1)]  # fmt: skip
    found = agreement(
        [user for user, _, count in rows for _ in range(count)],
        [judge for _, judge, count in rows for _ in range(count)],
    )
    assert (found.n, found.left_out) == (20, 4)
    assert (found.agreed.count, found.agreed.n) == (9, 12)
    assert found.agreed.interval == pytest.approx((0.4677, 0.9111), abs=1e-4)
    # By rows 8, 6, 6; by columns 12, 4, 4; on the diagonal 6, 3, 2.
    expected = (8 * 12 + 6 * 4 + 6 * 4) / 400
    assert found.kappa == pytest.approx((11 / 20 - expected) / (1 - expected))
    assert Cell("tie", "tuned", 4) in found.cells and sum(cell.pairs for cell in found.cells) == 20


@given(st.lists(st.tuples(st.sampled_from(CHOICES), st.sampled_from(CHOICES)), max_size=40))
def test_kappa_is_that_of_statsmodels(said: list[tuple[str, str]]) -> None:
    table = np.array([[said.count((one, other)) for other in CHOICES] for one in CHOICES])
    ours = cohens_kappa(said)
    if not said or any(table[place, place] == len(said) for place in range(3)):
        assert ours is None, "chance expects no less than all"
    else:
        assert ours == pytest.approx(statsmodels_kappa(table, return_results=False))


def test_lengths_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="shorter"):
        agreement(["tie"], [])
