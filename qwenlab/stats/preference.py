"""Which of two answers a judge model prefers, how far chance could have gone, and whether its user agrees with it."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from qwenlab.stats.intervals import rate
from qwenlab.stats.paired import mcnemar_p
from qwenlab.stats.types import Figures, Rate

Choice = Literal["tuned", "base", "tie"]

Outcome = Literal["tuned", "base", "tie", "first", "second", "unsteady", "identical", "unreadable"]
"""Of one pair, asked in both orders. `tuned`, `base`, `tie`: said in both. `first`, `second`: whichever stood there.
`unsteady`: a tie in one order alone. `identical`: two equal answers, not asked. `unreadable`: a reply was none."""

FLIPPED: tuple[Outcome, ...] = ("first", "second", "unsteady")


class Preference(Figures):
    """What a judge made of `n` pairs: wins, losses, ties, flipped, identical and unreadable make them up."""

    n: int
    wins: int
    """The tuned answer was better in both orders."""
    losses: int
    ties: int
    """Called a tie in both orders."""
    flipped: Rate
    """Of the pairs whose two replies could be read: the order changed the reply, so the pair counts as a tie."""
    first: int
    """Of the flipped: the answer that stood first was better, whichever it was."""
    second: int
    identical: int
    """Equal answers: not asked, and ties."""
    unreadable: int
    """A reply that was none of A, B and tie, so that the pair does not count."""
    win_rate: Rate
    """Of the decided pairs, wins and losses."""
    p_value: float | None
    """Two-sided exact sign test over the decided pairs; None without any."""


class Cell(NamedTuple):
    """So many pairs on which a user chose the one and the judge the other."""

    user: Choice
    judge: Choice
    pairs: int


class Agreement(Figures):
    """A judge's opinions beside its user's own blind choices on the same pairs."""

    n: int
    """Pairs with a choice of both, ties included."""
    left_out: int
    """Choices on pairs that the judge was not asked about, being identical, or on which its reply was unreadable."""
    cells: tuple[Cell, ...]
    agreed: Rate
    """Of the pairs on which neither said tie."""
    kappa: float | None
    """Cohen's, over three classes, tie being one: 0 is what chance would do, 1 all the same. None where it is not
    defined, both having said one thing always."""


def preference(outcomes: Sequence[Outcome]) -> Preference:
    """Count them, and test the decided pairs."""
    count = Counter(outcomes)
    wins, losses, flipped = count["tuned"], count["base"], sum(count[name] for name in FLIPPED)
    return Preference(
        n=len(outcomes),
        wins=wins,
        losses=losses,
        ties=count["tie"],
        flipped=rate(flipped, wins + losses + count["tie"] + flipped),
        first=count["first"],
        second=count["second"],
        identical=count["identical"],
        unreadable=count["unreadable"],
        win_rate=rate(wins, wins + losses),
        # The sign test is McNemar's on wins and losses.
        p_value=mcnemar_p(wins, losses) if wins + losses else None,
    )


def agreement(choices: Sequence[Choice], outcomes: Sequence[Outcome]) -> Agreement:
    """Compare the user's choices with the judge's, position by position.

    Raises:
        ValueError: the lengths differ.
    """
    said = [(user, choice) for user, one in zip(choices, outcomes, strict=True) if (choice := _choice(one))]
    counts = Counter(said)
    decided = [user == judge for user, judge in said if "tie" not in (user, judge)]
    return Agreement(
        n=len(said),
        left_out=len(choices) - len(said),
        cells=tuple(Cell(*pair, pairs) for pair, pairs in sorted(counts.items())),
        agreed=rate(sum(decided), len(decided)),
        kappa=cohens_kappa(said),
    )


def cohens_kappa(said: Sequence[tuple[str, str]]) -> float | None:
    """(observed - expected) / (1 - expected), with the agreement that two raters of such habits would have by chance.

    Cohen, "A Coefficient of Agreement for Nominal Scales", Educational and Psychological Measurement 20(1), 1960. None
    without pairs, and where both always said one and the same, so that chance expects no less than all.
    """
    n = len(said)
    first, second = (Counter(pair[rater] for pair in said) for rater in (0, 1))
    by_chance = sum(first[name] * second[name] for name in first)
    if by_chance == n * n:
        return None
    observed = sum(one == other for one, other in said) / n
    expected = by_chance / n**2
    return (observed - expected) / (1 - expected)


def _choice(outcome: Outcome) -> Choice | None:
    if outcome == "tuned" or outcome == "base":
        return outcome
    return None if outcome in ("identical", "unreadable") else "tie"
