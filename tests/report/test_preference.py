"""A judge's preference in words and tables: what chance could have done is never called preferred."""

import pytest

from qwenlab.report.preference import (
    OPINION,
    Preferred,
    SuitePreference,
    agreement_sentence,
    agreement_table,
    preference_table,
    sentence,
)
from qwenlab.stats.preference import Choice, Outcome, agreement, preference


def outcomes(**counts: int) -> list[Outcome]:
    names: tuple[Outcome, ...] = ("tuned", "base", "tie", "first", "second", "unsteady", "identical", "unreadable")
    return [name for name in names for _ in range(counts.get(name, 0))]


CASES = {
    "A judge model preferred the tuned answers: 40 of 60 decided pairs (p = 0.013), 12 ties, 8 flipped with the "
    "order.": outcomes(tuned=40, base=20, tie=12, first=7, unsteady=1),
    "A judge model preferred the base's answers: 9 of 10 decided pairs (p = 0.021), 2 unreadable.": (
        outcomes(tuned=1, base=9, unreadable=2)
    ),
    "A judge model showed no preference beyond chance: the tuned answer in 6 of 9 decided pairs (p = 0.51), 1 pair of "
    "equal answers.": outcomes(tuned=6, base=3, identical=1),
    "A judge model showed no preference beyond chance: the tuned answer in 0 of 1 decided pair (p = 1).": (
        outcomes(base=1)
    ),
    "A judge model decided none of 3 pairs, 3 flipped with the order.": outcomes(second=3),
}


@pytest.mark.parametrize(("words", "said"), CASES.items())
def test_the_sentence(words: str, said: list[Outcome]) -> None:
    assert sentence(preference(said)) == words


def test_the_sentence_of_agreement() -> None:
    counts: dict[Choice, int] = {"tuned": 20, "base": 10, "tie": 4}
    users = [choice for choice, count in counts.items() for _ in range(count)]
    judge = outcomes(tuned=14, base=6) + outcomes(base=7, tuned=3)[::-1] + outcomes(tuned=1, tie=2, unreadable=1)
    assert agreement_sentence(agreement(users, judge)) == (
        "It agreed with 21 of your 30 blind votes (70 %, 95 % interval 52 to 83 %; with 3 ties, Cohen's kappa 0.44). "
        "1 more could not be compared."
    )
    assert agreement_sentence(agreement(["tuned", "base"], ["tuned", "tuned"])).endswith("A coin could agree as often.")
    assert agreement_sentence(agreement(["tuned"], ["first"])) == (
        "There is no pair on which it and you both decided; with 1 tie, Cohen's kappa 0.00."
    )


def test_the_tables() -> None:
    figures = preference(outcomes(tuned=8, base=1, tie=4, first=3, identical=5, unreadable=6))
    preferred = Preferred(
        run="one",
        evaluation="now",
        judge="judge-7b",
        server="http://127.0.0.1/v1",
        prompt_sha256="0123456789",
        suites={"held_out": SuitePreference(figures=figures, opinions=())},
        agreement=None,
    )
    table = preference_table(preferred)
    assert table.rows == (
        ("held_out", "8", "1", "4", "3 of 16: 19 % (7 to 43 %)", "5", "6", "8 of 9: 89 % (57 to 98 %)", "0.039"),
    )
    assert len(table.columns) == len(table.rows[0])
    assert table.note.startswith(OPINION) and "judge-7b at http://127.0.0.1/v1" in table.note

    beside = agreement_table(agreement(["tuned", "tuned", "base", "tie"], ["tuned", "base", "first", "tuned"]))
    assert beside.columns == ("you ↓ judge →", "tuned", "base", "neither")
    assert beside.rows == (
        ("tuned", "1", "1", "0"),
        ("base", "0", "0", "1"),
        ("neither", "1", "0", "0"),
    )
