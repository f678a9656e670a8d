"""Does the model still know what it knew: questions with lettered options, answered by the likeliest letter.

Ours ship with the package: common knowledge, four options each. Other files have a `question` (or `question_stem`),
its `options` or `choices`, and an `answer` or `answerKey`: the option's index from 0, or its letter. That is MMLU's
shape, and ARC's, whose `choices` are {"text": [...], "label": [...]}.

Nothing is generated. What scores an item (`Choice`):

- The messages are rendered up to where the answer begins, with thinking off: behind an open `<think>` no letter comes.
- A letter's probability is that of the next token, summed over the tokens that spell it: those of the letter and of
  the letter behind a space, encoded without special tokens, where they are one token each. Qwen's tokenizer has both,
  "A" and " A"; others have one for the two, which is counted once; where " A" is two tokens, the first of them is a
  space that says nothing. A letter without any token of its own is a fault of the tokenizer and not of the answer.
- The answer is the letter with the greatest sum, among the item's letters alone; a tie is wrong.
- How much probability all letters have together is worth keeping: where it is small, the model would have said
  something else, and a change of the score says little.
"""

from pathlib import Path
from string import ascii_uppercase
from typing import Any

from pydantic import Field, model_validator

from qwenlab.evaluation.item import Choice, Item, Items, asked_by
from qwenlab.evaluation.rows import NamedRow, checked
from qwenlab.evaluation.source import numbered, read_rows
from qwenlab.evaluation.suites import Aim, Asked

TITLE = "Choices"
AIM: Aim = "retention"
SOURCE = str(Path(__file__).with_name("choices.jsonl"))
SIZE = 150
LICENCE = "Apache-2.0, as this package; MMLU's is MIT, ARC's CC-BY-SA-4.0."
CONTAMINATION = (
    "The questions that ship with this package were written for it, about what textbooks hold. MMLU's and ARC's have "
    "been public for years: models may have seen them, with answers."
)

HUB_FILES = {"cais/mmlu": "all/test-*.parquet", "allenai/ai2_arc": "ARC-Challenge/test-*.parquet"}
ANY_TEST_FILE = "**/test-*.parquet"


class _Row(NamedRow):
    described = '{"question": "...", "options": ["...", "...", "...", "..."], "answer": "B"}'
    question: str = Field(min_length=1)
    options: list[str] = Field(min_length=2, max_length=len(ascii_uppercase))
    labels: list[str]
    """What the file calls the options."""
    answer: int | str
    """An option's index from 0, or its label."""
    group: str = "all"

    @property
    def right(self) -> int:
        """The index of the right option."""
        return self.answer if isinstance(self.answer, int) else self.labels.index(self.answer.strip())

    @model_validator(mode="after")
    def _has_a_right_option(self) -> "_Row":
        if len(self.labels) != len(self.options):
            raise ValueError(f"{len(self.options)} options, and labels for {len(self.labels)}")
        if len(set(self.options)) < len(self.options):
            raise ValueError("two options are the same")
        if isinstance(self.answer, str) and self.answer.strip() not in self.labels:
            raise ValueError(f"answer: {self.answer!r} is none of {', '.join(self.labels)}")
        if isinstance(self.answer, int) and not 0 <= self.answer < len(self.options):
            raise ValueError(
                f"answer: {self.answer} is no index of {len(self.options)} options, the first of which is 0"
            )
        return self


def items(asked: Asked) -> Items:
    """The questions, in the source's order.

    Raises:
        UserError: the source cannot be read, or has rows that are no such questions.
    """
    rows, version = read_rows(asked.source, HUB_FILES.get(asked.source, ANY_TEST_FILE), "choices")
    found = checked(_Row, numbered(rows, asked.source), _plain)
    return Items(tuple(_item(row, asked.system) for row in found), version, left_out={})


def _plain(given: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    """The row as `_Row` has it, by its id, else by its number; what is not there stays out, and is told."""
    number, row = given
    row = {key: value for key, value in row.items() if value is not None}
    options = row.get("options", row.get("choices"))
    labels: Any = list(ascii_uppercase[: len(options)]) if isinstance(options, list) else []
    if isinstance(options, dict):
        options, labels = (options.get(part) for part in ("text", "label"))
    plain = {
        "name": str(row.get("id", number)),
        "question": row.get("question", row.get("question_stem")),
        "options": options,
        "labels": labels,
        "answer": row.get("answer", row.get("answerKey")),
        "group": row.get("topic", row.get("subject", row.get("category"))),
    }
    return {key: value for key, value in plain.items() if value is not None}


def _item(row: _Row, system: str) -> Item:
    letters = tuple(ascii_uppercase[: len(row.options)])
    lettered = "\n".join(f"{letter}. {option}" for letter, option in zip(letters, row.options, strict=True))
    return Item(
        name=row.name,
        messages=asked_by(f"{row.question}\n\n{lettered}\n\nAnswer with the letter alone.", system),
        shown=f"{row.question}\n\n{lettered}",
        group=row.group,
        task=Choice(letters=letters, right=letters[row.right]),
    )
