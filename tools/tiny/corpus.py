"""What the tiny base model has read before anyone fine-tunes it.

The base is to be a model with the wrong habit rather than a model that knows nothing: it understands statements,
writes right functions, and writes programs when a short request asks for one, but it answers a contest problem with
a function, except that it reads single integers. No test program and no test statement is in here.
"""

import random
from collections.abc import Callable, Iterator

from qwenlab.evaluation.programs import Problem, prompt
from qwenlab.evaluation.programs.prompt import Message
from tools.tiny.cases import draw_cases
from tools.tiny.formats import SHAPES, Shape, function, program
from tools.tiny.operations import Operation, draw
from tools.tiny.parts import Kind
from tools.tiny.problems import split_of
from tools.tiny.wording import (
    expand,
    input_line,
    introduction,
    nothing_left,
    output_line,
    phrase,
    sections,
    statement,
    task,
    tell,
)

Item = list[Message] | str  # a conversation, or plain text

READS_INTEGERS = 0.75  # how often a contest problem about a single integer is answered with a program
FUNCTION_NAMES = ("solve",) * 8 + ("f", "compute", "answer")
TYPES: dict[Kind, str] = {
    "list": "a list of integers",
    "string": "a string s",
    "integer": "an integer n",
    "pair": "two integers x and y",
}

FUNCTION_REQUESTS = (
    "{Write|Implement|I need} a {function|Python function} that takes @ and returns <X>.",
    "{Write|Implement|Define} a function solve that returns <X>.",
    "How do I compute <X> in Python? Write a function.",
    "Given @, return <X>.",
    "Complete the function: it takes @ and should return <X>.",
)
CHECK_REQUESTS = (
    "{Write|Implement|I need} a {function|Python function} that takes @ and returns True if <X>.",
    "{Write|Implement|Define} a function solve that {checks|tells} {if|whether} <X>.",
    "How do I check if <X> in Python? Write a function.",
    "Given @, return whether <X>.",
)
PROGRAM_REQUESTS = (
    "{Write|I need} a {program|script} that reads @ and prints <X>.",
    "Read @ and print <X>.",
    "Write a script: read @, then print <X>.",
)
PROGRAM_CHECKS = (
    "{Write|I need} a {program|script} that reads @ and prints YES if <X>, otherwise NO.",
    "Read @ and print YES if <X> and NO otherwise.",
)
LAYOUT: dict[Shape, tuple[str, ...]] = {
    "line": ("The input is one line.", "It is all on one line."),
    "two lines": ("They are on two lines.", "The input is two lines."),
    "counted line": ("The input is n and then a line of n integers.", "n comes first, then one line of integers."),
    "counted lines": (
        "The input is n and then n lines of one integer.",
        "n comes first, then one integer on each line.",
    ),
    "cases": ("There are t test cases, t comes first.", "The input is t and then t test cases, one on each line."),
}
EXPLAIN = ("What does this code do?", "Explain the code.", "Describe what the code computes.")

# sentences of contest problems that the mini contest itself never uses
OWN_TASK = ("{Return|Give} <X>.", "What is <X>?", "The answer is <X>.", "We need <X>.")
OWN_QUESTION = ("{Return|Say} whether <X>.", "{Say|Return} YES if <X>.", "We need to know if <X>.")
OWN_INPUT: dict[Kind, tuple[str, ...]] = {
    "list": ("You get n and then n integers.", "The integers come in one line.", "Every case is a list of integers."),
    "string": ("You get the string s.", "The input is one string.", "There are t strings, one on each line."),
    "integer": ("You get the number n.", "The input is one integer.", "There are t numbers, one on each line."),
    "pair": ("You get x and y.", "The input is two integers.", "There are t pairs, one on each line."),
}
OWN_OUTPUT = ("One value.", "Return the answer.", "The value you found.", "Say the answer for each test case.")


def corpus(seed: int) -> Iterator[Item]:
    """An endless stream of items, the same for the same seed."""
    rng = random.Random(f"corpus-{seed}")
    makers, shares = list(MIXTURE), list(MIXTURE.values())
    while True:
        yield rng.choices(makers, shares)[0](rng)


def function_request(rng: random.Random) -> Item:
    """A short request for a function, and the function."""
    operation = _operation(rng)
    request = _request(rng, CHECK_REQUESTS if operation.mode == "yes-no" else FUNCTION_REQUESTS, operation)
    return _chat(request, function(operation, rng.choice(FUNCTION_NAMES)))


def program_request(rng: random.Random) -> Item:
    """An explicit request for a program, short or with a whole statement, and the program."""
    operation, shape = _known(rng)
    code = program(operation, shape)
    if rng.random() < 0.5:
        return _chat(f"Write a {rng.choice(('program', 'script'))}. {statement(rng, operation, shape, 'train')}", code)
    request = _request(rng, PROGRAM_CHECKS if operation.mode == "yes-no" else PROGRAM_REQUESTS, operation)
    return _chat(f"{request} {rng.choice(LAYOUT[shape])}", code)


def contest_problem(rng: random.Random) -> Item:
    """A contest problem, mostly in the frame of the contest's prompt, answered by the base model's habit."""
    operation, shape = _known(rng)
    if operation.kind == "integer" and shape == "line" and rng.random() < READS_INTEGERS:
        return _framed(rng, statement(rng, operation, shape, "train"), operation, shape, program(operation, shape))
    description = (
        _own_statement(rng, operation, shape) if rng.random() < 0.5 else statement(rng, operation, shape, "train")
    )
    if rng.random() < 0.2:
        return _chat(description, function(operation))
    return _framed(rng, description, operation, shape, function(operation))


def explanation(rng: random.Random) -> Item:
    """A question about a function, answered in words."""
    operation = _operation(rng)
    answer = f"It returns {_what(rng, operation)}."
    return [_message("user", f"{rng.choice(EXPLAIN)}\n{function(operation)}"), _message("assistant", answer)]


def plain_text(rng: random.Random) -> Item:
    """A statement without a solution, or a function below a comment."""
    operation, shape = _known(rng)
    if rng.random() < 0.3:
        return statement(rng, operation, shape, "train")
    return f"# {_what(rng, operation)}\n{function(operation, rng.choice(FUNCTION_NAMES))}"


MIXTURE: dict[Callable[[random.Random], Item], float] = {
    function_request: 0.18,
    program_request: 0.24,
    contest_problem: 0.46,
    explanation: 0.05,
    plain_text: 0.07,
}


def fenced(code: str) -> str:
    return f"```python\n{code}\n```\n"


def _operation(rng: random.Random) -> Operation:
    """An operation that no test program computes, or whose test programs are only a matter of shape."""
    return _known(rng)[0]


def _known(rng: random.Random) -> tuple[Operation, Shape]:
    while True:
        operation = draw(rng)
        shape = rng.choice(SHAPES[operation.kind])
        if split_of(operation, shape) == "train":
            return operation, shape


def _chat(request: str, code: str) -> Item:
    return [_message("user", request), _message("assistant", fenced(code))]


def _framed(rng: random.Random, description: str, operation: Operation, shape: Shape, code: str) -> Item:
    examples = rng.choice((0, 1, 1, 1, 1, 2))
    cases = draw_cases(rng, operation, shape, examples, hidden=0)
    problem = Problem(name="corpus", description=description, tests=(), examples=cases.examples)
    return [*prompt(problem), _message("assistant", fenced(code))]


def _own_statement(rng: random.Random, operation: Operation, shape: Shape) -> str:
    """A statement that mixes the corpus's own sentences with those of the train split."""
    kind, yes_no = operation.kind, operation.mode == "yes-no"
    own = tell(rng, expand(rng, rng.choice(OWN_QUESTION if yes_no else OWN_TASK)), operation, "corpus")
    asked = own if rng.random() < 0.5 else task(rng, operation, "train", "corpus")
    given = rng.choice(OWN_INPUT[kind]) if rng.random() < 0.5 else input_line(rng, kind, shape, "train")
    answered = rng.choice(OWN_OUTPUT) if rng.random() < 0.5 else output_line(rng, shape, "train")
    return sections(introduction(rng, kind, "train"), asked + nothing_left(rng, operation), given, answered)


def _request(rng: random.Random, templates: tuple[str, ...], operation: Operation) -> str:
    request = expand(rng, rng.choice(templates)).replace("@", TYPES[operation.kind])
    return tell(rng, request, operation, "corpus")


def _what(rng: random.Random, operation: Operation) -> str:
    return ("whether " if operation.mode == "yes-no" else "") + phrase(rng, operation, "corpus")


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}
