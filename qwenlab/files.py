"""Small files that are whole at every moment, whoever reads them and whenever the writer is killed."""

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write to a temporary name beside `path`, then replace it in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
