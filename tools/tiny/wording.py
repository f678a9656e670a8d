"""How a problem is told: a small grammar of English, whose sentences are split between training and test.

A sentence is written as `{a|b} c {d|e}`; one alternative of each brace is taken. `@` stands for the object, `<X>` for
what is asked and `<N>` for a name. Two things are kept for the test split: the sentences whose hash says so (whole
sentences; their words do occur in training), and the last synonym of every part of an operation. Only what to answer
when nothing is left is said alike in both.
"""

import random
import re
from collections.abc import Sequence
from typing import Literal

from tools.tiny.formats import Shape
from tools.tiny.operations import Operation
from tools.tiny.parts import Kind
from tools.tiny.splits import Split, sentence_split

Voice = Literal["train", "test", "corpus"]

NOUNS = ("numbers", "integers", "elements", "values")
NAMES = ("Alice", "Bob", "Carol", "Dan", "Eve", "Frank")
OBJECTS: dict[Kind, tuple[str, ...]] = {
    "list": ("a list of integers", "some integers", "a row of numbers", "a sequence of integers"),
    "string": ("a string s", "a word s"),
    "integer": ("an integer n", "a number n"),
    "pair": ("two integers x and y", "two numbers x and y"),
}

INTRODUCTION = (
    "{You are given|Consider|We have|Suppose you have|You have|You get} @.",
    "<N> {has|wrote down|likes|found|got} @.",
    "{Today|In this problem,} {you get|<N> gets|we have} @.",
)
TASK = (
    "{Print|Find|Compute|Output|Determine} <X>.",
    "{Your task is to|Your goal is to|Please|You have to} {print|find|compute|output} <X>.",
    "{Help <N> to|Help <N>} {print|find|compute} <X>.",
    "<N> {wants|would like|needs} to know <X>.",
    "{Tell <N>|Show <N>} <X>.",
)
QUESTION = (
    "{Check|Determine|Decide|Find out} {if|whether} <X>. {Print|Answer|Output} YES or NO.",
    "{Print|Answer|Output} YES if <X>{ and NO otherwise|, otherwise NO|, else NO}.",
    "<N> {wants to know|asks|wonders} {if|whether} <X>. {Print|Answer|Output} YES or NO.",
)
NOTHING_LEFT = {
    "value": ("If there are none, the answer is 0.", "If nothing is left, the answer is 0."),
    "values": ("If there are none, print an empty line.", "If nothing is left, print an empty line."),
}

HAS = "{contains|has|holds|gives}"
FIRST = "{The first line|Line 1} " + HAS
SECOND = "{The second line|The next line|Line 2} " + HAS
ONLY = "{A single line|The only line|One line|The line} " + HAS
COUNT = "{an integer n|n|a number n|n, the number of integers}"
THINGS: dict[Kind, str] = {
    "list": "{several integers|some numbers|space-separated integers|integers separated by spaces}",
    "string": "{the string s|a string s|a word s|the word s}",
    "integer": "{the integer n|an integer n|one integer n|a number n}",
    "pair": "{x and y|two integers x and y|the integers x and y|two numbers x and y}",
}
INPUT: dict[tuple[Kind, Shape], tuple[str, ...]] = {
    ("list", "counted line"): (f"{FIRST} {COUNT}. {SECOND} {{n integers|n space-separated integers|n numbers}}.",),
    ("list", "counted lines"): (
        f"{FIRST} {COUNT}. Each of the next n lines {{contains|has|holds}} {{one integer|a number|an integer}}.",
        f"{FIRST} {COUNT}. {{Then n lines follow|The next n lines come}} with {{one integer|one number}} each.",
    ),
    ("pair", "two lines"): (
        f"{FIRST} {{an integer x|x|the number x}}. {SECOND} {{an integer y|y|the number y}}.",
        "{Two lines contain|The two lines hold|Two lines give} {x and y|the integers x and y}, one {on each|per} line.",
    ),
}
for _kind, _things in THINGS.items():
    _count = f"{FIRST} {{t, the number of test cases|an integer t|t|the number of test cases t}}."
    INPUT[_kind, "line"] = (f"{ONLY} {_things}.",)
    INPUT[_kind, "cases"] = (
        f"{_count} {{Each|Every}} test case {{is a line with|is one line with|has a line with}} {_things}.",
        f"{_count} {{Each of the next t lines|Every one of the next t lines}} {HAS} {_things}.",
    )
OUTPUT = ("{Print|Output|Write} {the answer|the result|one line with the answer|the answer on one line}.",)
OUTPUT_CASES = (
    "{Print|Output|Write} the {answer|result} {for|of} each test case on {its own|a separate} line.",
    "{For each test case,|For every test case,} {print|output|write} {one line|the answer|one line with the answer}.",
)


def statement(rng: random.Random, operation: Operation, shape: Shape, split: Split) -> str:
    """A whole problem statement in the sentences of its split."""
    return sections(
        introduction(rng, operation.kind, split),
        task(rng, operation, split, split) + nothing_left(rng, operation),
        input_line(rng, operation.kind, shape, split),
        output_line(rng, shape, split),
    )


def sections(introduced: str, asked: str, given: str, answered: str) -> str:
    """The layout of a statement."""
    return f"{introduced} {asked}\n\nInput\n{given}\n\nOutput\n{answered}"


def introduction(rng: random.Random, kind: Kind, split: Split) -> str:
    return _fill(rng, _sentence(rng, INTRODUCTION, split), {"@": rng.choice(OBJECTS[kind])})


def task(rng: random.Random, operation: Operation, split: Split, voice: Voice) -> str:
    """What is asked."""
    return tell(rng, _sentence(rng, QUESTION if operation.mode == "yes-no" else TASK, split), operation, voice)


def tell(rng: random.Random, sentence: str, operation: Operation, voice: Voice) -> str:
    """A sentence with its slots filled in."""
    return _fill(rng, sentence, {"<X>": phrase(rng, operation, voice)})


def nothing_left(rng: random.Random, operation: Operation) -> str:
    """What to answer when the filter leaves nothing, with a space before it; empty where that needs no word."""
    filtered = operation.kind == "list" and " if " in operation.lines[0]
    if filtered and ("default" in operation.result or operation.mode == "values"):
        return " " + rng.choice(NOTHING_LEFT[operation.mode])
    return ""


def input_line(rng: random.Random, kind: Kind, shape: Shape, split: Split) -> str:
    return _sentence(rng, INPUT[kind, shape], split)


def output_line(rng: random.Random, shape: Shape, split: Split) -> str:
    return _sentence(rng, OUTPUT_CASES if shape == "cases" else OUTPUT, split)


def phrase(rng: random.Random, operation: Operation, voice: Voice) -> str:
    """The computation in words, such as `the sum of the even numbers`."""
    text = {"list": rng.choice(NOUNS), "string": rng.choice(("s", "the string", "the string s"))}.get(
        operation.kind, ""
    )
    for synonyms in operation.phrases:
        text = _synonym(rng, synonyms, voice).replace("{it}", text)
    return text


def expand(rng: random.Random, template: str) -> str:
    """One sentence of a template."""
    return re.sub(r"\{([^{}]*)\}", lambda match: rng.choice(match[1].split("|")), template)


def _sentence(rng: random.Random, templates: Sequence[str], split: Split) -> str:
    while True:
        sentence = expand(rng, rng.choice(templates))
        if sentence_split(sentence) == split:
            return sentence


def _synonym(rng: random.Random, synonyms: Sequence[str], voice: Voice) -> str:
    if voice == "train" and len(synonyms) > 1:
        return rng.choice(synonyms[:-1])
    if voice == "test" and rng.random() < 0.5:
        return synonyms[-1]
    return rng.choice(synonyms)


def _fill(rng: random.Random, template: str, slots: dict[str, str]) -> str:
    for slot, text in {**slots, "<N>": rng.choice(NAMES)}.items():
        template = template.replace(slot, text)
    return template
