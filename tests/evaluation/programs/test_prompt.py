"""The prompt is the document's, character for character."""

import pytest

from qwenlab.evaluation.programs import Problem, Test, prompt, training_row

PROBLEM = Problem(
    name="sum",
    description="Print the sum of two integers.",
    tests=(Test("1 2\n", "3\n"),),
    examples=(Test("3 4\n", "7\n"), Test("0 0\n", "0\n"), Test("1 1\n", "2\n"), Test("9 9\n", "18\n")),
    solution="print(sum(map(int, input().split())))",
)

GOLDEN = """\
<|im_start|>system
You are an expert competitive programmer. Solve the following problem with a complete Python solution.
<|im_end|>
<|im_start|>user
Print the sum of two integers.

Example 1
Input:
3 4
Output:
7

Example 2
Input:
0 0
Output:
0

Example 3
Input:
1 1
Output:
2

Write a complete Python solution. Your code should read from standard input and write to standard output.
<|im_end|>
<|im_start|>assistant
```python
print(sum(map(int, input().split())))
```
<|im_end|>
"""


def chatml(messages: list[dict[str, str]]) -> str:
    return "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)


def test_the_document_s_format_with_at_most_three_examples() -> None:
    assert chatml(training_row(PROBLEM)) == GOLDEN
    assert GOLDEN.startswith(chatml(prompt(PROBLEM)))


def test_a_row_without_a_solution_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no solution"):
        training_row(PROBLEM.model_copy(update={"solution": None}))
