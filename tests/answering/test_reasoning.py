"""Reasoning and answer, told apart in whole texts and in growing ones."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenlab.answering.reasoning import Growing, Piece, Split, opens_reasoning, overlap, split
from qwenlab.tags import CLOSING

PIECES = st.lists(st.sampled_from(["<think>", "</think>", "<", "</th", "ink>", " ", "\n\n", "a", "b"]), max_size=12)


@pytest.mark.parametrize(
    ("text", "opened", "reasoning", "answer"),
    [
        ("<think>\nso\n</think>\n\nYes.", False, "so", "Yes."),
        ("\n<think>so</think>Yes.\n", False, "so", "Yes.\n"),
        ("<think>\n\n</think>\n\nYes.", False, "", "Yes."),
        ("so\n</think>\n\nYes.", True, "so", "Yes."),
        ("<think>\nso\n</think>\n\nYes.", True, "so", "Yes."),
        ("so it is", True, "so it is", ""),
        ("<think>\nso it", False, "so it", ""),
        ("so\n</think>\n\nYes.", False, "so", "Yes."),
        ("Yes, 1 < 2.\n", False, "", "Yes, 1 < 2.\n"),
        ("Write <think> first.", False, "", "Write <think> first."),
        ("  Yes.", False, "", "  Yes."),
        ("a</think>b</think>c", True, "a", "b</think>c"),
        ("", True, "", ""),
    ],
)
def test_a_whole_text(text: str, opened: bool, reasoning: str, answer: str) -> None:
    assert split(text, opened) == Split(reasoning, answer)


@given(PIECES, st.booleans())
def test_only_the_tags_and_the_white_space_around_them_are_lost(pieces: list[str], opened: bool) -> None:
    text = "".join(pieces)
    reasoning, answer = split(text, opened)
    assert re.fullmatch(rf"\s*(<think>)?\s*{re.escape(reasoning)}\s*(</think>\s*)?{re.escape(answer)}", text), (
        "nothing else is"
    )
    if not opened and CLOSING not in text and not text.lstrip().startswith("<think>"):
        assert (reasoning, answer) == ("", text)


def told(growing: Growing, pieces: list[str]) -> list[Piece]:
    """What is told while the text grows by these pieces, and when it ends."""
    found: list[Piece] = []
    for piece in pieces:
        growing.add(piece)
        found += growing.news()
    growing.end()
    return found + growing.news()


@given(PIECES, st.booleans())
def test_told_pieces_make_up_the_same_wherever_the_text_is_cut(pieces: list[str], opened: bool) -> None:
    growing, text = Growing(opened), "".join(pieces)
    found = told(growing, pieces)
    reasoning = "".join(piece.text for piece in found if piece.is_reasoning)
    answer = "".join(piece.text for piece in found if not piece.is_reasoning)
    assert growing.split == split(text, opened)
    if not opened and not text.lstrip().startswith("<think>"):
        assert (reasoning, answer) == ("", text), "what was told as answer cannot be taken back"
    else:
        assert (reasoning, answer) == growing.split
    assert all(piece.text for piece in found)
    kinds = [piece.is_reasoning for piece in found]
    assert kinds == sorted(kinds, reverse=True), "reasoning comes first"


@given(PIECES, st.booleans(), st.sampled_from(["ab", "a<", "\n"]))
def test_a_stop_text_ends_the_answer_wherever_the_text_is_cut(pieces: list[str], opened: bool, stop: str) -> None:
    growing = Growing(opened, [stop])
    found: list[Piece] = []
    for piece in pieces:
        growing.add(piece)
        found += growing.news()
        if growing.stopped:
            break
    growing.end()
    found += growing.news()
    whole = "".join(piece.text for piece in told(Growing(opened), pieces) if not piece.is_reasoning)
    assert "".join(piece.text for piece in found if not piece.is_reasoning) == whole.partition(stop)[0]
    assert growing.stopped == (stop in whole)


def test_it_thinks_from_the_opening_tag_to_the_closing_one() -> None:
    growing = Growing()
    states = []
    for piece in ("\n", "<thi", "nk>", "so", "</thi", "nk>", "Yes."):
        growing.add(piece)
        states.append(growing.thinks)
    assert states == [False, False, True, True, True, False, False]
    assert Growing(opened=True).thinks


def test_reasoning_is_told_while_it_is_written() -> None:
    growing = Growing(opened=True)
    assert told(growing, ["so it </th", "at"]) == [Piece("so it", True), Piece(" </that", True)]


@pytest.mark.parametrize(
    ("prompt", "opens"),
    [
        ("<|im_start|>assistant\n", False),
        ("<|im_start|>assistant\n<think>\n", True),
        ("<|im_start|>assistant\n<think>", True),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", False),
    ],
)
def test_a_prompt_may_open_the_reasoning(prompt: str, opens: bool) -> None:
    assert opens_reasoning(prompt) is opens


@given(st.text("ab", max_size=8), st.text("ab", min_size=1, max_size=5))
def test_what_is_held_back_is_the_longest_beginning_of_the_mark(text: str, mark: str) -> None:
    assert overlap(text, mark) == max(n for n in range(min(len(text), len(mark)) + 1) if text.endswith(mark[:n]))
