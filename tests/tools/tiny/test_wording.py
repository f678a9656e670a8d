"""The grammar: whole sentences are split, no slot stays open, and the last synonyms are kept for the test."""

import itertools
import random
import re

import pytest

from tools.tiny import wording
from tools.tiny.formats import SHAPES
from tools.tiny.operations import draw
from tools.tiny.splits import Split, sentence_split

TEMPLATES = {
    "introduction": wording.INTRODUCTION,
    "task": wording.TASK,
    "question": wording.QUESTION,
    "output": wording.OUTPUT,
    "output of cases": wording.OUTPUT_CASES,
    **{f"input {kind}, {shape}": templates for (kind, shape), templates in wording.INPUT.items()},
}


def sentences(template: str) -> set[str]:
    """Every sentence of a template."""
    pieces = re.split(r"\{([^{}]*)\}", template)
    choices = [piece.split("|") if number % 2 else [piece] for number, piece in enumerate(pieces)]
    return {"".join(chosen) for chosen in itertools.product(*choices)}


@pytest.mark.parametrize("templates", TEMPLATES.values(), ids=TEMPLATES)
def test_both_splits_have_sentences_for_every_slot(templates: tuple[str, ...]) -> None:
    every = set().union(*(sentences(template) for template in templates))
    test = {sentence for sentence in every if sentence_split(sentence) == "test"}
    assert len(test) >= 2
    assert len(every - test) >= 6


def test_every_shape_of_every_kind_has_an_input_description() -> None:
    assert set(wording.INPUT) == {(kind, shape) for kind, shapes in SHAPES.items() for shape in shapes}


@pytest.mark.parametrize("split", ["train", "test"])
def test_no_slot_stays_open(split: Split) -> None:
    rng = random.Random(0)
    for _ in range(500):
        operation = draw(rng)
        text = wording.statement(rng, operation, rng.choice(SHAPES[operation.kind]), split)
        assert not re.search(r"[{}@<>|]|  |None|^ | $", text), text


def test_the_last_synonym_is_never_used_for_training() -> None:
    rng = random.Random(0)
    voices: tuple[wording.Voice, ...] = ("train", "test", "corpus")
    words = dict.fromkeys(voices, "")
    for _ in range(2000):
        operation = draw(rng)
        for voice in voices:
            words[voice] += wording.phrase(rng, operation, voice) + "\n"
    for held_out in ("the biggest of", "the total count of", "from last to first", "the magnitudes of", "n exceeds"):
        assert held_out not in words["train"]
        assert held_out in words["test"]
        assert held_out in words["corpus"]


def test_the_statement_says_what_to_do_when_a_filter_leaves_nothing() -> None:
    rng = random.Random(0)
    for _ in range(500):
        operation = draw(rng)
        said = wording.nothing_left(rng, operation)
        filtered = " if " in "".join(operation.lines)
        assert bool(said) == (filtered and operation.result not in ("sum(b)", "len(b)"))
        assert said == "" or ("empty line" in said) == (operation.mode == "values")
