"""Every operation computes what its words say, by a second implementation that was written from the words."""

import random

from tests.tools.tiny import oracle
from tools.tiny.cases import draw_cases, run
from tools.tiny.formats import program
from tools.tiny.operations import Operation, draw
from tools.tiny.parts import AGGREGATES, FILTERS, MAPS, RULES


def parse(operation: Operation, text: str) -> object:
    """The value on one line of input."""
    if operation.kind == "string":
        return text
    numbers = [int(word) for word in text.split()]
    return numbers[0] if operation.kind == "integer" else numbers


def test_programs_print_what_the_words_ask_for() -> None:
    rng = random.Random(0)
    for _ in range(1500):
        operation = draw(rng)
        first_synonyms = [synonyms[0] for synonyms in operation.phrases]
        for case in draw_cases(rng, operation, "line", examples=1).hidden:
            expected = oracle.answer(operation.kind, first_synonyms, parse(operation, case.input.rstrip("\n")))
            assert case.output == f"{expected}\n", (first_synonyms, case)


def test_the_oracle_reads_every_part() -> None:
    parts = len(FILTERS) + len(MAPS) + len(AGGREGATES) + sum(len(rules) for rules in RULES.values())
    readings = [oracle.FILTERS, oracle.MAPS, oracle.AGGREGATES, *oracle.RULES.values()]
    assert sum(len(table) for table in readings) == parts


def test_parts_have_synonyms_to_hold_out() -> None:
    parts = [*FILTERS, *MAPS[1:], *AGGREGATES, *(rule for rules in RULES.values() for rule in rules)]
    assert all(len(set(part.phrases)) >= 3 for part in parts)


def test_a_replaced_letter_is_never_replaced_by_itself() -> None:
    rng = random.Random(0)
    pairs = [operation.letters for operation in (draw(rng) for _ in range(3000)) if len(operation.letters) == 2]
    assert len(pairs) > 10
    assert all(old != new for old, new in pairs)


def test_body_tells_operations_apart() -> None:
    rng = random.Random(0)
    operations = [draw(rng) for _ in range(2000)]
    programs = {program(operation, "line"): operation.body for operation in operations}
    assert len(set(programs.values())) == len(programs)


def test_run_prints_what_the_program_prints() -> None:
    assert run("n = int(input())\nprint(n + 1)", "41\n") == "42\n"
