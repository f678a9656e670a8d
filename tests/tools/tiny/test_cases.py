"""Tests that can tell: examples stand apart, inputs differ, and a wrong parameter is found out."""

import random
import re
from collections import Counter, defaultdict

from tools.tiny.cases import HIDDEN, draw_cases, run
from tools.tiny.formats import SHAPES, program
from tools.tiny.operations import draw


def test_no_input_occurs_twice() -> None:
    rng = random.Random(0)
    for _ in range(200):
        operation = draw(rng)
        shape = rng.choice(SHAPES[operation.kind])
        cases = draw_cases(rng, operation, shape, examples=2)
        inputs = [case.input for case in (*cases.examples, *cases.hidden)]
        assert len(cases.examples) == 2
        assert len(cases.hidden) == HIDDEN
        assert len(set(inputs)) == len(inputs)


def test_a_constant_answer_fails_two_tests() -> None:
    rng = random.Random(0)
    for _ in range(200):
        operation = draw(rng)
        outputs = Counter(case.output for case in draw_cases(rng, operation, "line", examples=1).hidden)
        assert max(outputs.values()) <= HIDDEN - 2


def test_a_number_that_is_off_by_one_is_mostly_found_out() -> None:
    rng = random.Random(0)
    found: dict[str, list[bool]] = defaultdict(list)
    for _ in range(1500):
        operation = draw(rng)
        shape = rng.choice(SHAPES[operation.kind])
        if not operation.numbers:
            continue
        k = operation.numbers[0]
        wrong = re.sub(rf"(?<!\d){k}(?!\d)", str(k + 1), program(operation, shape), count=1)
        cases = draw_cases(rng, operation, shape, examples=1).hidden
        found[operation.kind].append(any(run(wrong, case.input) != case.output for case in cases))
    for kind, tries in found.items():
        assert sum(tries) / len(tries) > 0.88, kind
