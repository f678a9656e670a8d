"""HTML that the lab makes itself. Every text goes through `text`, so that nothing from data or models is markup."""

import html


def text(value: object) -> str:
    """As plain text inside HTML. Braces and dollars too: Gradio's HTML component has templates of its own."""
    return no_template(html.escape(str(value)))


def no_template(escaped: str) -> str:
    """Without the characters that Gradio reads as a template, in what is HTML already."""
    return escaped.replace("$", "&#36;").replace("{", "&#123;").replace("}", "&#125;").replace("`", "&#96;")


def lab(content: str) -> str:
    """The frame that the style sheet knows."""
    return f'<div class="lab">{content}</div>'


def card(content: str, kind: str = "") -> str:
    return lab(f'<div class="card {kind}">{content}</div>')


def fault(message: str) -> str:
    """A sentence that says what is wrong and what to do; nothing for no message."""
    return card(f'<pre role="alert">{text(message)}</pre>', "fault") if message else ""


def facts(pairs: dict[str, str]) -> str:
    """Numbers with their names above them. The values are HTML."""
    return (
        '<div class="facts">'
        + "".join(f"<div><span>{text(name)}</span>{value}</div>" for name, value in pairs.items())
        + "</div>"
    )
