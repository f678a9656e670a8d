"""The prompt of the training decisions, character for character: the same for base, tuned, training and endpoint.

The document writes a line break before each `<|im_end|>`; the contents below end in one, so that the ChatML
template renders exactly its text.
"""

from collections.abc import Sequence

from qwenlab.evaluation.programs.problem import Problem, Test

Message = dict[str, str]

SYSTEM = "You are an expert competitive programmer. Solve the following problem with a complete Python solution.\n"
TASK = "Write a complete Python solution. Your code should read from standard input and write to standard output.\n"
MAX_EXAMPLES = 3


def prompt(problem: Problem) -> list[Message]:
    """The system and user messages that ask for a program, with up to three examples."""
    parts = [problem.description, *_examples(problem.examples[:MAX_EXAMPLES]), TASK]
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": "\n\n".join(parts)},
    ]


def training_row(problem: Problem) -> list[Message]:
    """The conversation that teaches the problem's own solution, as a fenced Python program.

    Raises:
        ValueError: the problem has no solution.
    """
    if problem.solution is None:
        raise ValueError(f"problem {problem.name} has no solution to learn from")
    answer = f"```python\n{problem.solution}\n```\n"
    return [*prompt(problem), {"role": "assistant", "content": answer}]


def _examples(examples: Sequence[Test]) -> list[str]:
    return [
        f"Example {number}\nInput:\n{example.input.rstrip()}\nOutput:\n{example.output.rstrip()}"
        for number, example in enumerate(examples, start=1)
    ]
