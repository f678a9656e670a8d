"""Per-item results that other tools wrote, read for a paired comparison. A file that reads a format is a module here.

read_results      which format a file has, and its rows
lm_eval           `samples_*.jsonl` of lm-evaluation-harness (`--log_samples`)
inspect_log       `.eval` and `.json` logs of Inspect
own               report.json of an evaluation, and of `qwenlab judge`
table             columns of a CSV, Parquet, JSONL or other table
scores pairs      which of its values are scores; the same items of two files side by side
"""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qwenlab.errors import UserError, refused
from qwenlab.evaluation.outcomes import inspect_log, lm_eval, own, table
from qwenlab.evaluation.outcomes.rows import ResultFile


def read_results(path: Path, id_column: str | None = None, *, alone: bool = False) -> ResultFile:
    """The file's items with their scores.

    Args:
        id_column: of a table, the column that says which row is which item.
        alone: it is weighed against itself, column by column, so that a table's rows need no name.

    Raises:
        UserError: it cannot be read, or has no results by item.
    """
    _check_is_file(path)
    try:
        found = _of_a_tool(path)
    except OSError as error:
        raise refused(error, f"{path} cannot be read", "Look at its permissions.") from None
    if found and id_column is not None:
        raise UserError(f"--id {id_column}: {path.name} is no table, its items have names already.", "Leave it out.")
    return found or table.read(path, id_column, alone)


def _of_a_tool(path: Path) -> ResultFile | None:
    """None: a table, as far as its beginning says."""
    if path.suffix == ".eval":
        return inspect_log.read_archive(path)
    if path.suffix == ".jsonl":
        return lm_eval.read(path) if lm_eval.is_samples(path) else None
    if path.suffix != ".json":
        return None
    content = _object(path)
    if inspect_log.is_log(content):
        return inspect_log.read_log(path, content)
    if lm_eval.is_summary(content):
        raise UserError(
            f"{path.name} holds lm-eval's averages, and nothing about single items.",
            "Run lm_eval with --log_samples, and give the samples_*.jsonl beside this file.",
        )
    return own.read(path, content)


def _object(path: Path) -> dict[str, Any]:
    """The object that a JSON file is; empty where it is something else, or is not JSON: reading it as a table tells."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        inside = sorted(
            str(entry.relative_to(path)) for entry in path.rglob("*") if entry.suffix in (".jsonl", ".eval")
        )
        raise UserError(f"{path} is a folder.", f"Give a file of it: {', '.join(inside[:5])}" if inside else "")
    if not path.exists():
        near = get_close_matches(path.name, [entry.name for entry in path.parent.glob("*")], 1)
        raise UserError(f"There is no file {path}.", f"Did you mean {near[0]}?" if near else "")
    if path.suffix != ".eval":
        from qwenlab.data.files import check_exists  # polars loads when rows are read

        check_exists(path)
