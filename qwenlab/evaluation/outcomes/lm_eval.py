"""lm-evaluation-harness: `samples_TASK_TIME.jsonl`, which `--log_samples` writes, a line an item and filter.

As version 0.4.13 writes it: `doc_id`, `doc_hash`, `prompt_hash`, `resps`, `filter`, `metrics`, and a key a metric. The
lines of one filter follow those of another; a score is called as the harness calls it: "exact_match,strict-match".
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qwenlab.errors import UserError
from qwenlab.evaluation.outcomes.rows import ResultFile, Row

NAME = re.compile(r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT.+)\.jsonl")

NO_METRICS = {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"}
"""Keys of a line beside its metrics; those that end in `_hash` are no metrics either."""


def is_samples(path: Path) -> bool:
    """Whether the first line is one of the harness."""
    with path.open("rb") as file:
        try:
            line = json.loads(file.readline())
        except (ValueError, RecursionError):
            return False
    return isinstance(line, dict) and {"doc_id", "resps"} <= line.keys()


def is_summary(content: Mapping[str, Any]) -> bool:
    """Whether it is a `results_*.json`."""
    return {"results", "configs", "n-shot"} <= content.keys()


def read(path: Path) -> ResultFile:
    """The items, each with the scores of every filter.

    Raises:
        UserError: a line is no line of the harness, or an item stands in the file twice.
    """
    rows: dict[tuple[str, str], Row] = {}
    for number, text in enumerate(path.read_bytes().splitlines(), start=1):
        line = _line(path, number, text)
        key = (str(line["doc_id"]), str(line.get("doc_hash", "")))
        found = _row(key, line)
        earlier = rows.get(key, found._replace(scores={}))
        if found.scores.keys() & earlier.scores.keys():
            raise UserError(
                f"{path.name}, line {number}: doc_id {line['doc_id']}, filter {line.get('filter')}, is there twice.",
                "Two evaluations in one file? Give one of them.",
            )
        rows[key] = earlier._replace(scores={**earlier.scores, **found.scores})
    named = NAME.fullmatch(path.name)
    return ResultFile(
        path=path,
        kind="lm-eval",
        rows=tuple(rows.values()),
        task=named["task"] if named else "",
        lower_is_better=_lower_is_better(path.with_name(f"results_{named['time']}.json"), named["task"])
        if named
        else frozenset(),
    )


def _line(path: Path, number: int, text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path.name}, line {number} is not JSON: {error}.", "Copy or write the file again.") from None
    if not isinstance(line, dict) or "doc_id" not in line:
        raise UserError(f"{path.name}, line {number} has no doc_id, unlike the lines of lm-eval's samples.")
    return line


def _row(key: tuple[str, str], line: Mapping[str, Any]) -> Row:
    item, content = key
    metrics = line.get("metrics") or [name for name in line if name not in NO_METRICS and not name.endswith("_hash")]
    return Row(
        item=item,
        scores={f"{metric},{line.get('filter', 'none')}": line.get(metric) for metric in metrics},
        content=content,
        prompt=str(line.get("prompt_hash", "")),
        answer=json.dumps(line.get("resps")),
    )


def _lower_is_better(summary: Path, task: str) -> frozenset[str]:
    """Metrics of which the file of averages, where it lies beside the samples, says that less is better."""
    try:
        better = json.loads(summary.read_bytes())["higher_is_better"][task]
        return frozenset(metric for metric, higher in better.items() if higher is False)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return frozenset()
