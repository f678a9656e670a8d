"""The data's own answer: what of it a short answer is compared with, and which items have none."""

from collections.abc import Iterable

from qwenlab.evaluation.answers import choice, expression, json_value, number, pattern, text
from qwenlab.evaluation.item import Form, Item, Items, ShortAnswer

LACKING: dict[Form, str] = {
    "number": "its answer holds no number",
    "choice": "its answer is no letter",
    "json": "its answer holds no JSON",
    "text": "its answer holds no word",
    "contains": "its answer is empty",
    "regex": "the pattern finds nothing in its answer",
    "math": "its answer is empty",
}
"""Why an item cannot be graded."""


def gold_value(task: ShortAnswer) -> str:
    """What of the data's own answer is compared; empty where it holds nothing of the form, so that none can be right.

    Raises:
        UserError: the task's pattern is no regular expression.
    """
    cell = task.gold
    match task.form:
        case "number":
            return number.find(cell).value
        case "choice":
            return choice.find(cell).value
        case "json":
            return json_value.find(cell).value
        case "text":
            value = text.find_gold(cell).value
            return value if text.normal(value) else ""
        case "contains":
            return cell.strip()
        case "regex":
            return pattern.find(cell, task.pattern).value
        case "math":
            return expression.find_gold(cell).value


def gradable(items: Iterable[Item], version: str) -> Items:
    """The items, without short answers that nothing can be compared with: base and tuned alike would be wrong there.

    Raises:
        As `gold_value`.
    """
    kept: list[Item] = []
    left_out: dict[str, list[str]] = {}
    for item in items:
        if isinstance(item.task, ShortAnswer) and not gold_value(item.task):
            left_out.setdefault(LACKING[item.task.form], []).append(item.name)
        else:
            kept.append(item)
    return Items(tuple(kept), version, {reason: tuple(names) for reason, names in left_out.items()})
