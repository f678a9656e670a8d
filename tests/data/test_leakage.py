import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenlab.data import leakage
from qwenlab.data.leakage import Learned, learned, numbered, overlap, prompts
from qwenlab.data.report import Row
from tests.data.made import ANSWER, asked, talked

WORDS = [f"word{number}" for number in range(14)]
THIRTEEN = " ".join(WORDS[:13])


def train(*questions: str) -> pl.DataFrame:
    return asked(*((question, ANSWER) for question in questions))


def counts(questions: list[str], texts: list[str]) -> tuple[int, int]:
    found = overlap(train(*questions), numbered("problems", texts))
    return found.exact, found.near


@pytest.mark.parametrize("text", ["How many?", "  how MANY?\n", "HOW\t\nmany?"])
def test_the_same_prompt_is_found_but_for_case_and_white_space(text: str) -> None:
    assert counts(["Something else", "How many?"], [text, "How few?"]) == (1, 0)


def test_thirteen_words_in_a_row_are_near_and_twelve_are_not() -> None:
    assert counts([f"First, {THIRTEEN} times."], [f"Then {THIRTEEN}, again"]) == (0, 0), "commas belong to words"
    assert counts([f"First {THIRTEEN} times."], [f"Then {THIRTEEN.upper()} again"]) == (0, 1)
    assert counts([f"First {' '.join(WORDS[:12])} times."], [f"Then {' '.join(WORDS[:12])} again"]) == (0, 0)


def test_words_are_counted_within_a_text_only() -> None:
    assert counts([" ".join(WORDS[:7]), " ".join(WORDS[7:])], [" ".join(WORDS)]) == (0, 0)


def test_a_phrase_of_more_than_ten_texts_is_common() -> None:
    assert counts([f"{number} {THIRTEEN}" for number in range(10)], [f"x {THIRTEEN}"]) == (0, 1)
    assert counts([f"{number} {THIRTEEN}" for number in range(11)], [f"x {THIRTEEN}"]) == (0, 0)
    assert counts([f"y {THIRTEEN}"], [f"{number} {THIRTEEN}" for number in range(10)]) == (0, 10)
    assert counts([f"y {THIRTEEN}"], [f"{number} {THIRTEEN}" for number in range(11)]) == (0, 0)


def test_examples_name_both_rows_and_what_they_share() -> None:
    other = numbered("problems.jsonl", ["Nothing alike", "HOW  many?", f"so {THIRTEEN} end"])
    found = overlap(train("How many?", f"{WORDS[13]} {THIRTEEN}", f"zero {THIRTEEN} end"), other)
    exact, near = found.examples
    assert (exact.kind, exact.train, exact.other) == (
        "exact",
        Row(file="made.jsonl", row=1),
        Row(file="problems.jsonl", row=2),
    )
    assert (near.kind, near.train, near.other) == (
        "near",
        Row(file="made.jsonl", row=3),
        Row(file="problems.jsonl", row=3),
    )
    assert near.text == THIRTEEN
    assert (found.compared, found.exact, found.near) == (3, 1, 1)


def test_prompts_are_what_the_user_says() -> None:
    rows = talked([("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")])
    assert prompts(rows).rows() == [("made.jsonl", 1, "a\nc")]
    assert overlap(rows, numbered("x", ["b", "s", "a c"])).exact == 1


def test_nothing_to_compare_is_nothing_found() -> None:
    assert counts(["How many?"], []) == (0, 0)
    assert counts(["How many?"], ["", "  "]) == (0, 0)


def test_slices_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = train(*(f"{number} {THIRTEEN if number % 2 else 'else'}" for number in range(9)))
    texts = numbered("x", [f"a {THIRTEEN}", "3 else"])
    whole = overlap(rows, texts)
    monkeypatch.setattr(leakage, "SLICE", 2)
    assert overlap(rows, texts) == whole


TWO_TURNS = talked([("user", "How many?"), ("assistant", "b"), ("user", f"And {THIRTEEN} so?"), ("assistant", "d")])


@pytest.mark.parametrize(
    "question",
    ["how  MANY?", f"And {THIRTEEN} so?", f"How many?\nAnd {THIRTEEN} so?", f"many? And {THIRTEEN} so", THIRTEEN],
)
def test_a_turn_all_turns_and_a_long_part_of_them_are_learned(question: str) -> None:
    assert learned(TWO_TURNS, ["Something else", question]) == Learned([1], [])


@pytest.mark.parametrize("question", ["b", "How", " ".join(WORDS[:12]), THIRTEEN[:-1], THIRTEEN[1:], ""])
def test_what_an_assistant_says_a_short_part_and_part_of_a_word_are_not(question: str) -> None:
    assert learned(TWO_TURNS, [question]).exact == []


def test_a_question_that_is_half_another_is_near_and_each_is_counted_once() -> None:
    questions = [f"So {THIRTEEN}", "How many?", f"{THIRTEEN} and", "How few?"]
    assert learned(TWO_TURNS, questions) == Learned([1], [0, 2])


def test_a_shared_run_alone_is_what_all_of_a_kind_have_in_common() -> None:
    assert learned(TWO_TURNS, [f"So {THIRTEEN} there", f"{THIRTEEN} and {WORDS[13]}"]) == Learned([], [])


def test_a_question_inside_another_is_found_too() -> None:
    assert learned(TWO_TURNS, [f"And {THIRTEEN}", THIRTEEN]) == Learned([0, 1], [])


def test_a_question_that_stands_in_many_rows_is_no_common_phrase() -> None:
    rows = train(*(f"{number}. {THIRTEEN}! Think first." for number in range(20)))
    assert learned(rows, [THIRTEEN]) == Learned([0], [])


def test_a_row_that_is_there_many_times_is_one_text() -> None:
    rows = train(*[f"Now {THIRTEEN} so."] * 20)
    assert learned(rows, [f"And {THIRTEEN}"]) == Learned([], [0])


def test_no_questions_are_not_found() -> None:
    assert learned(TWO_TURNS, []) == Learned([], [])


def runs_of(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[start : start + 13]) for start in range(len(words) - 12)}


sentences = st.lists(st.sampled_from(["A", "a", "b"]), min_size=1, max_size=16).map(" ".join)


@given(st.lists(sentences, max_size=6), st.lists(sentences, max_size=6))
@settings(deadline=None)
def test_it_finds_what_a_search_of_all_pairs_finds(questions: list[str], texts: list[str]) -> None:
    known = [question.lower().split() for question in questions]
    exact = [text.lower().split() in known for text in texts]
    near = [
        not same and any(runs_of(text) & runs_of(question) for question in questions)
        for text, same in zip(texts, exact, strict=True)
    ]
    assert counts(questions, texts) == (sum(exact), sum(near))
