"""A report of the first edition, which asked contest problems alone, as one of today's."""

from typing import Any

ATTEMPT = {"code": "found"}
ROW = {"difficulty": "group", "contest": "cluster", "description": "question"}
SUITE = ("n", "samples", "metrics", "pass_at_k", "comparisons", "detectable", "strata", "transitions", "noise_floor")
KEPT = (
    *("run", "created", "command", "stamps", "settings", "thinking", "all_tests", "criteria", "self_check"),
    *("advice", "curve", "cost", "judging_seconds"),
)
OPENINGS = {"Improved": "improved", "Worse": "worse", "Not shown": "not shown", "Not measured": "not measured"}


def from_version_1(content: dict[str, Any]) -> dict[str, Any]:
    """The content of report.json, version 1, as that of version 2 with one suite."""
    sentence = content["sentence"]
    suite = {key: content[key] for key in SUITE if key in content} | {
        "title": "Contest problems",
        "aim": "target",
        "kind": "program",
        "sentence": sentence,
        "verdict": OPENINGS[sentence.partition(":")[0]],
        "asked": content["problem_set"],
        "causes": content["causes"],
        "rows": [_row(row) for row in content["problems"]],
    }
    kept = {key: content[key] for key in KEPT if key in content}
    return kept | {"version": 2, "sentence": sentence, "suites": {"code_contests": suite}}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    renamed = {ROW.get(key, key): value for key, value in row.items()}
    return renamed | {side: [_attempt(attempt) for attempt in row[side]] for side in ("base", "tuned")}


def _attempt(attempt: dict[str, Any]) -> dict[str, Any]:
    renamed = {ATTEMPT.get(key, key): value for key, value in attempt.items()}
    verdict = attempt.get("verdict")
    unknown = verdict == "SE" or (verdict is None and attempt["code"])
    right = None if unknown else verdict == "AC"
    shown = verdict or ("not run" if attempt["code"] else "no program")
    return renamed | {"right": right, "shown": shown}
