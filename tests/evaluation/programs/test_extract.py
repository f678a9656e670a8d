"""Which program is in an answer, and by which rule."""

import ast
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenlab.evaluation.programs.extract import Rule, extract


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("answer", "code", "rule"),
    [
        ("Here:\n```python\nprint(1)\n```\nDone.", "print(1)\n", "python_fence"),
        ("```python\nprint(1)\n```\nBetter:\n```python\nprint(2)\n```", "print(2)\n", "python_fence"),
        ("```python\nprint(1)\n```\nBroken:\n```python\nprint(\n```", "print(1)\n", "python_fence"),
        ("```Python3\nprint(1)\n```\nOutput:\n```\n1 apple\n```", "print(1)\n", "python_fence"),
        ("```py title=a\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("```python\r\nprint(1)\r\n```\r\n", "print(1)\r\n", "python_fence"),
        ("~~~python\nprint('```')\n~~~", "print('```')\n", "python_fence"),
        ("````python\nprint('''\n```\n''')\n````", "print('''\n```\n''')\n", "python_fence"),
        ("1. First\n   ```python\n   if 1:\n       print(1)\n   ```", "if 1:\n    print(1)\n", "python_fence"),
        ("```python\n```\n```python\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("```\nprint(1)\n```", "print(1)\n", "fence"),
        ("```python\nprint(\n```", "print(\n", "fence"),
        ("```cpp\nint main() {}\n```", "int main() {}\n", "fence"),
        ("```python\nprint(\n```\n```\n1 2\n```", "1 2\n", "fence"),
        ("```python\nprint(1)\nprint(", "print(1)\nprint(", "unclosed_fence"),
        ("```python\nprint(1)", "print(1)", "unclosed_fence"),
        ("```\nprint(1)\n```\n```python\nprint(2)", "print(1)\n", "fence"),
        ("print(1)\n", "print(1)\n", "raw"),
        ("The answer is 42.", "", "none"),
        ("", "", "none"),
        ("```python\n```", "", "none"),
        ("```", "", "none"),
        ("Use `print` and ```python print(1)``` inline.", "", "none"),
        ("<think>\n```python\nprint(0)\n```\n</think>\n```python\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("I think\n```python\nprint(0)\n```\n</think>\n```python\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("<think>\n```python\nprint(0)\n```", "", "none"),
        ("<think>a</think>print(1)<think>b</think>", "print(1)", "raw"),
        # The first line beside the fence is code, unless it names a language.
        ("```n = int(input())\nprint(n)\n```", "n = int(input())\nprint(n)\n", "fence"),
        ("```import sys\nprint(1)\n```", "import sys\nprint(1)\n", "fence"),
        ("```for i in range(2):\n    print(i)\n```", "for i in range(2):\n    print(i)\n", "fence"),
        ("```print(1)\nprint(2)\n```", "print(1)\nprint(2)\n", "fence"),
        ("```n = 1\nprint(n)", "n = 1\nprint(n)", "unclosed_fence"),
        ("```python title='a'\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("```python, linenos\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("```{python}\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("```text\nprint(1)\n```", "print(1)\n", "fence"),
        ("```c++ main\nint main() {}\n```", "int main() {}\n", "fence"),
        # Fences stuck to text.
        ("```python\nprint(1)```", "print(1)\n", "python_fence"),
        ("```python\nprint(1)```\nIt prints 1.", "print(1)\n", "python_fence"),
        ("```python\nprint(1)\n``` It prints 1.", "print(1)\n", "python_fence"),
        ("```python\nprint(1)\n```It prints 1.\nDone.", "print(1)\n", "python_fence"),
        ("Here it is:```python\nprint(1)\n```", "print(1)\n", "python_fence"),
        ("Here it is:```python\nprint(1)\n```\nOutput:\n```\n1 apple\n```", "print(1)\n", "python_fence"),
        ("Here it is: ```\nprint(1)```", "print(1)\n", "fence"),
        ("```python\nprint(1)\n```python\nprint(2)\n```", "print(2)\n", "python_fence"),
        # A fence that closes what nothing has opened.
        ("print(1)\n```", "print(1)\n", "raw"),
        ("print(1)\n```\nThis prints one.", "print(1)\n", "raw"),
        ("print(1)```", "print(1)", "raw"),
        ("This prints one.\n```\nThis too.", "This too.", "unclosed_fence"),
        # What is well formed is read as it stands.
        ("```python\nprint('```')\n```", "print('```')\n", "python_fence"),
        ("```python\n# see ```\nprint(1)\n```", "# see ```\nprint(1)\n", "python_fence"),
    ],
)
def test_the_rules_in_their_order(answer: str, code: str, rule: Rule) -> None:
    found = extract(answer, parses)
    assert (found.code, found.rule) == (code, rule)
    assert found.parses == bool(code and parses(code))


@given(st.text(st.sampled_from("`~ \n\r\tpython<think>/x1()"), max_size=80))
def test_any_text_has_an_answer(text: str) -> None:
    found = extract(text, parses)
    assert bool(found.code) == (found.rule != "none")
    assert found.parses == (bool(found.code) and parses(found.code))


@pytest.mark.parametrize(
    "unit",
    ["~", "`", "```\n", "```python\nx(\n```\n", "a```b", "```a ", "<think>", "</think>", " ", "\t", ".", "{", "a"],
)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("", "`"), ("```", "!\nx\n```"), ("a```", "!`")])
def test_no_answer_takes_long(before: str, unit: str, after: str) -> None:
    answer = before + unit * (100_000 // len(unit)) + after
    began = time.process_time()
    extract(answer, lambda text: False)
    assert time.process_time() - began < 5
