"""A chat template is a program of whoever made the model: before it runs here, it is tried where it can do no harm.

Jinja's sandbox keeps it from files and from Python, and not from looping for ever or from texts of gigabytes. What a
template does with the trial's conversations alone is seen here; how long each later rendering takes is bounded too, in
`data/chat_template.py`.
"""

import hashlib
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.tiny import MODEL_DIR
from qwenlab.training.engine import CACHE

BUNDLED = MODEL_DIR / "chat_template.jinja"

PATIENCE_S = 120.0
"""Until the trial is ended: it may take `template_worker.CPU_S` and the start of a process, on a busy machine too."""

_sound: set[str] = set()
"""Hashes of templates that came to an end, for where the cache cannot be written."""


def check_template(name: str, template: str) -> None:
    """Try the chat template of the model of that name, once on a machine.

    Raises:
        UserError: it does not come to an end, or takes too much memory, with ordinary conversations.
    """
    if template == BUNDLED.read_text(encoding="utf-8"):
        return
    digest = hashlib.sha256(template.encode("utf-8", "surrogatepass")).hexdigest()
    known = CACHE / "templates" / digest
    if digest in _sound or known.exists():
        return
    if not _comes_to_an_end(template):
        raise UserError(
            f"The chat template of {name} does not come to an end, or takes more than 1 GB: it was tried with short "
            "conversations.",
            "Do not use this model, or put its maker's own chat_template.jinja in its folder.",
        )
    _sound.add(digest)
    with suppress(OSError):  # a cache that cannot be written costs seconds the next time
        known.parent.mkdir(parents=True, exist_ok=True)
        known.touch()


def _comes_to_an_end(template: str) -> bool:
    worker = Path(__file__).with_name("template_worker.py").read_text(encoding="utf-8")
    paths = json.dumps([path for path in sys.path if Path(path).is_absolute()])
    try:
        tried = subprocess.run(
            [sys.executable, "-I", "-B", "-c", worker, paths],
            input=template.encode("utf-8", "replace"),
            capture_output=True,
            env={},
            cwd="/",
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return tried.returncode == 0
