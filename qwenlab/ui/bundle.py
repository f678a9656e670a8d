"""What the browser runs beside Gradio's own page: our scripts and styles, and two libraries that Gradio bundles.

Nothing comes from elsewhere. KaTeX typesets the mathematics of answers and Vega draws curves; Gradio's wheel has both
for its own components, so the page asks for those files and no second copy is shipped. Their names hold a hash that
changes with Gradio's version, which is pinned; they are looked up as the app starts.
"""

import json
from functools import cache
from pathlib import Path

import gradio

STATIC = Path(__file__).parent / "static"
"""Our scripts, and below `styles` our styles, a file for each part of the page."""

PATH = "/lab"
"""Where `STATIC` is served."""

ASSETS = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"

LIBRARIES = {"katex": "katex-*.js", "katexStyle": "katex-*.css", "vega": "embed-*.js"}
"""By the name that our scripts ask for."""


@cache
def head() -> str:
    """What stands in the page's head: where the libraries are, and the script that begins."""
    places = json.dumps({name: f"./assets/{_asset(pattern)}" for name, pattern in LIBRARIES.items()})
    return (
        f'<script type="application/json" id="lab-libraries">{places}</script>'
        f'<script type="module" src=".{PATH}/lab.js"></script>'
    )


@cache
def styles() -> str:
    """All of our styles, in the order of their names."""
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((STATIC / "styles").glob("*.css")))


def _asset(pattern: str) -> str:
    """The one file of Gradio's bundle with such a name.

    Raises:
        RuntimeError: there is none, or more than one: another version of Gradio than the pinned one.
    """
    found = [file.name for file in ASSETS.glob(pattern)]
    if len(found) != 1:
        raise RuntimeError(f"Gradio {gradio.__version__} bundles {len(found)} files named {pattern}, not one.")
    return found[0]
