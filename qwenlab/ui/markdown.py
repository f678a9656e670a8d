"""What models and data sets write, as HTML: Markdown, highlighted code, and mathematics for `static/maths.js`.

Nothing of the text becomes markup of its own. HTML in it stays text, an image becomes its address, so that nothing is
fetched, and a link leads to http, https or mailto alone and to another window.
"""

import html
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

LONGEST = 100_000
"""Characters that are rendered; a longer text is shown as it is."""
LONGEST_CODE = 50_000
"""Characters of a block of code that are highlighted."""

MATHS = {
    "math_inline": "inline",
    "math_single": "inline",
    "math_inline_double": "block",
    "math_block": "block",
    "math_block_label": "block",
    "math_block_eqno": "block",
    "amsmath": "block",
}
"""The tokens of the three plugins for `$…$`, `\\(…\\)` and `\\begin{…}`, and how each is set."""

SCHEMES = ("http://", "https://", "mailto:")


@lru_cache(maxsize=256)
def rendered(source: str) -> str:
    """The text as HTML in a `<div class="prose">`."""
    if len(source) > LONGEST:
        return f'<div class="prose"><pre>{html.escape(source)}</pre></div>'
    return f'<div class="prose">{_parser().render(source)}</div>'


def code_block(code: str, language: str) -> str:
    """Highlighted code with its language and a button that copies it."""
    named = f"<span>{html.escape(language)}</span>" if language else "<span></span>"
    return (
        f'<div class="code"><div class="code-head">{named}<button type="button" data-copy>Copy</button></div>'
        f"<pre data-copied><code>{_highlighted(code, language)}</code></pre></div>"
    )


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False})
    parser.enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True)
    parser.use(texmath_plugin, delimiters="brackets")
    parser.use(amsmath_plugin)
    parser.inline.ruler.before("escape", "display_in_a_line", _display_in_a_line)
    parser.validateLink = lambda url: url.lower().startswith(SCHEMES)  # type: ignore[method-assign]
    for token in MATHS:
        parser.add_render_rule(token, _maths)
    for rule in (_fence, _image, _link_open):
        parser.add_render_rule(rule.__name__.removeprefix("_"), rule)
    parser.add_render_rule("code_block", _fence)
    return parser


def _display_in_a_line(state: StateInline, silent: bool) -> bool:
    """`\\[…\\]` within a paragraph, as models write it and no plugin reads it."""
    end = state.src.find("\\]", state.pos) if state.src.startswith("\\[", state.pos) else -1
    if end < 0:
        return False
    if not silent:
        state.push("math_inline_double", "", 0).content = state.src[state.pos + 2 : end]
    state.pos = end + 2
    return True


def _maths(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    tex, kind = html.escape(tokens[index].content.strip()), MATHS[tokens[index].type]
    return f'<span class="math {kind}" data-tex="{tex}">{tex}</span>'


def _fence(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    first, *_ = tokens[index].info.split() or [""]
    return code_block(tokens[index].content, first)


def _image(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    return f"<i>image: {html.escape(token.content)} {html.escape(str(token.attrGet('src')))}</i>"


def _link_open(self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    place = html.escape(str(tokens[index].attrGet("href")))
    return f'<a href="{place}" target="_blank" rel="noopener noreferrer nofollow">'


def _highlighted(code: str, language: str) -> str:
    if not language or len(code) > LONGEST_CODE:
        return html.escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return html.escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="hl-")))
