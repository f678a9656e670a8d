import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.row_by_row import with_standard_fences
from qwenlab.data.code_fences import standard_texts, standardised
from tests.data.made import QUESTION, talked

LINES = (
    "```", "```python", "``` Python3", "```py", "```PY3  ", "```cpp", "  ```py", "    ```py", "````", "~~~",
    "~~~python", "~~~ ", "~~~~~", "x = 1", "", "```code```", "text ```py", "``` ", "\t```", "Ü", "```python title",
)  # fmt: skip
TILDE_LINES = tuple(line for line in LINES if "`" not in line)
"""Where backticks stand beside tildes nothing is rewritten, so most of the mixed texts say nothing of tildes."""
texts = st.one_of(
    *(
        st.lists(st.sampled_from(lines), max_size=8).flatmap(
            lambda chosen: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join(chosen))
        )
        for lines in (LINES, TILDE_LINES)
    )
)


def standard(text: str) -> str:
    return str(standard_texts(pl.Series([text]))[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```py\nx\n```", "```python\nx\n```"),
        ("``` Python3\nx\n```", "```python\nx\n```"),
        ("  ```PY \n  x\n  ```\nend", "  ```python\n  x\n  ```\nend"),
        ("~~~\nx\n~~~", "```\nx\n```"),
        ("~~~python\nx\n~~~\nthen\n~~~\ny\n~~~", "```python\nx\n```\nthen\n```\ny\n```"),
        ("~~~\n~~~python\n~~~", "```\n~~~python\n```"),
        ("~~~\nx\n~~~\n~~~py\ny", "```\nx\n```\n```python\ny\n```"),
        ("```python\nx", "```python\nx\n```"),
        ("```python\nx\n", "```python\nx\n```"),
        ("~~~py\nx", "```python\nx\n```"),
        ("```cpp\nx", "```cpp\nx\n```"),
        ("a\r\nb", "a\nb"),
        ("```\n```\n```", "```\n```\n```\n```"),
    ],
)
def test_document_standardize_code_block_formatting(text: str, expected: str) -> None:
    assert standard(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "no code at all, and ``inline`` code",
        "```python\nx\n```",
        "```\nx\n```",
        "```code``` at the beginning of a line",
        "text ```py",
        "Title\n~~~~~\ntext",
        "````\n```py\n````",
        "```\n~~~\nart\n~~~\n```",
        '```python\ndef f():\n    """\n    ```\n    x\n    ```\n    """\n```',
        "a\rb, trailing spaces  \n\n\n",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert standard(text) == text


@given(texts)
def test_it_is_what_a_walk_over_the_lines_gives(text: str) -> None:
    assert standard(text) == with_standard_fences(text)


@given(texts)
def test_twice_is_once(text: str) -> None:
    assert standard(standard(text)) == standard(text)


@given(st.lists(texts, min_size=1, max_size=5))
def test_rows_keep_their_order_and_other_columns(answers: list[str]) -> None:
    rows = talked(
        *([("user", QUESTION), ("assistant", answer), ("user", "and?"), ("assistant", answer)] for answer in answers)
    )
    after, changed = standardised(rows)
    assert after.drop("messages").equals(rows.drop("messages"))
    contents = [[turn["content"] for turn in messages] for messages in after["messages"]]
    assert contents == [
        [QUESTION, with_standard_fences(answer), "and?", with_standard_fences(answer)] for answer in answers
    ]
    assert changed == sum(with_standard_fences(answer) != answer for answer in answers)
    assert after.schema == rows.schema
