"""The mini contest: problems with hidden tests, in two splits that share no program and no statement."""

import random

from qwenlab.evaluation.programs import Problem, training_row
from qwenlab.evaluation.programs.prompt import Message
from tools.tiny.cases import draw_cases
from tools.tiny.formats import SHAPES, Shape, program
from tools.tiny.operations import Operation, draw
from tools.tiny.splits import Split, program_split
from tools.tiny.wording import statement


def problems(split: Split, n: int, seed: int) -> list[Problem]:
    """The first n problems of a split; a larger n only adds to them.

    No two problems have the same description, and no two test problems the same program. Each has one visible
    example, which is not among its hidden tests, and its reference program as `solution`.
    """
    rng = random.Random(f"{split}-{seed}")
    drawn: list[Problem] = []
    seen: set[str] = set()
    while len(drawn) < n:
        operation = draw(rng)
        shape = rng.choice(SHAPES[operation.kind])
        if split_of(operation, shape) != split:
            continue
        description = statement(rng, operation, shape, split)
        solution = program(operation, shape)
        key = solution if split == "test" else description
        if key in seen:
            continue
        seen.add(key)
        cases = draw_cases(rng, operation, shape, examples=1)
        drawn.append(
            Problem(
                name=f"{split}-{seed}-{len(drawn):04d}",
                description=description,
                tests=cases.hidden,
                examples=cases.examples,
                difficulty=_difficulty(operation, shape),
                solution=solution,
            )
        )
    return drawn


def training_rows(n: int, seed: int) -> list[list[Message]]:
    """Conversations made from n problems of the train split, in the form that every other training file has."""
    return [training_row(problem) for problem in problems("train", n, seed)]


def split_of(operation: Operation, shape: Shape) -> Split:
    """The split of a problem.

    A computation with parameters, or on a list, is in one split whatever its shape; the few others, such as the
    reverse of a string, would leave a split without one, so for them the shape counts as well.
    """
    alone = operation.kind != "list" and not operation.parameters
    return program_split(f"{operation.body}\n{shape}" if alone else operation.body)


def _difficulty(operation: Operation, shape: Shape) -> str:
    """Hard: several test cases in one input. Easy: one string, integer or pair. Medium: one list."""
    if shape == "cases":
        return "hard"
    return "medium" if operation.kind == "list" else "easy"
