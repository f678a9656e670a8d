"""What models write becomes prose, code and mathematics, and never markup of its own."""

import re

import pytest

from qwenlab.ui import bundle
from qwenlab.ui.markdown import LONGEST, rendered

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://elsewhere.example/x.png)",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "<http://elsewhere.example/><svg onload=alert(1)>",
    '```python onload="alert(1)"\n\'<b>\' # "</code><script>\n```',
    '$"><script>alert(1)</script>$',
    r"\[ \href{javascript:alert(1)}{x} <img src=x> \]",
    "| <b>x</b> |\n|---|\n| <script> |",
    '<div data-tex="x" class="math">',
    "# <iframe src=//elsewhere.example></iframe>",
)

ALLOWED = {
    "a", "blockquote", "br", "button", "code", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol",
    "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_of_a_text_becomes_markup_of_its_own(source: str) -> None:
    shown = rendered(f"Text {source}\n\n{source}\n")
    assert set(re.findall(r"<([a-z0-9]+)", shown)) <= ALLOWED
    attributes = re.sub(r'"[^"]*"', '""', " ".join(re.findall(r"<[a-z0-9]+([^>]*)>", re.sub(r'"[^"]*"', '""', shown))))
    assert set(re.findall(r"([\w-]+)(?:=|\b)", attributes)) <= {
        "class", "data-tex", "data-copy", "data-copied", "href", "rel", "style", "target", "type",
    }  # fmt: skip
    assert not re.search(r'href="(?!https?:|mailto:)', shown)


def test_mathematics_is_left_to_the_browser_and_prices_are_none() -> None:
    shown = rendered(r"It is $\frac12$, \(x^2\), \[y\] and $$z$$, for $5 and $6.")
    assert re.findall(r'data-tex="([^"]*)"', shown) == [r"\frac12", "x^2", "y", "z"]
    assert "$5 and $6" in shown
    assert re.findall(r'data-tex="([^"]*)"', rendered("\\begin{align}\na &= b\n\\end{align}")) == [
        "\\begin{align}\na &amp;= b\n\\end{align}"
    ]


def test_code_is_highlighted_and_can_be_copied() -> None:
    shown = rendered("```python\ndef f():\n    return 1\n```")
    assert '<span class="hl-k">def</span>' in shown and "data-copy" in shown
    assert "hl-" not in rendered("```no-such-language\ndef f()\n```")


def test_what_is_very_long_is_shown_as_it_is() -> None:
    assert "<pre>" in rendered("*" * (LONGEST + 1))


def test_the_libraries_that_gradio_bundles_are_where_we_look() -> None:
    assert bundle.head().count("./assets/") == len(bundle.LIBRARIES)
