"""DatasetReport: what was read, what was dropped and why, what is left. The funnel and the browser draw it."""

from typing import Literal, NamedTuple, get_args

import polars as pl

from qwenlab.files import Record

ShapeRule = Literal["not_text", "tool_calls", "unwanted", "unknown_role", "not_learned"]
"""Names of the rules about what a row holds that is no conversation to learn from. Most data breaks none of them."""

Rule = Literal[
    ShapeRule, "empty", "too_short", "too_long", "duplicate", "encoding", "control_tokens", "incomplete", "conversation"
]
"""Names of the rules that drop rows, in the order in which they are applied."""

SHAPE_RULES: tuple[ShapeRule, ...] = get_args(ShapeRule)
RULES: tuple[Rule, ...] = get_args(Rule)

Change = Literal["code_fences", "unanswered_turns"]
"""What is changed in rows that are kept: code fences and line ends; turns after the last answer, which are left out."""

Layout = Literal["messages", "sharegpt", "alpaca", "prompt_completion", "question_answer"]

TEXT_LENGTH = 300
"""Characters that an example keeps of its text."""


class Row(Record):
    """Where something stands: the file, and its row there, counted from 1."""

    file: str
    row: int

    def __str__(self) -> str:
        return f"{self.file}:{self.row}"


class Example(Row):
    """A row that a rule dropped, with the part of its text that shows why; for a duplicate, the row it repeats."""

    text: str
    repeats: Row | None = None


class Bin(NamedTuple):
    """A bar of a histogram: that many rows lie from `edge` on, up to the next bar's edge."""

    edge: int
    rows: int


class Lengths(Record):
    """How long the rows are."""

    min: int
    median: float
    mean: float
    p95: float
    max: int
    histogram: list[Bin]


class TokenLengths(Lengths):
    """Lengths in tokens, before the cut at `max_length`, and what the cut does."""

    total: int
    learned_total: int
    """Tokens that the loss covers: the assistant's."""
    truncated: int
    """Rows longer than `max_length`."""
    truncated_share: float
    beyond: int = 0
    """Tokens beyond the cut: of a conversation with one answer, what of it is lost."""
    percentile_99: int = 0
    """The length that 99 % of the rows do not exceed."""
    nothing_to_learn: list[Row]
    """Rows of which no token is learned after the cut."""


class OverlapExample(Record):
    """Two texts that are the same, or share a run of words."""

    kind: Literal["exact", "near"]
    train: Row
    other: Row
    text: str
    """The other text's beginning; for a near pair, the words that both share."""


class Overlap(Record):
    """How many of some texts (validation rows, evaluation problems) are also in the training conversations."""

    compared: int
    """How many texts were looked for."""
    exact: int
    """Of these, how many are a user's prompt word for word, but for case and white space."""
    near: int
    """Of the rest, how many share a run of 13 words or more with a user's prompt."""
    examples: list[OverlapExample]


class DatasetReport(Record, frozen=False):
    """From a source to training rows, in numbers and examples; it grows while the data is prepared."""

    version: Literal[1] = 1
    source: str
    files: list[str]
    sha256: str
    """Of the input as it was read: for one file what `sha256sum` prints."""
    columns: list[str] = []
    """All columns of the source, in its order; those of several files together."""
    layout: Layout
    mapping: dict[str, str]
    """Role (or `messages`) to the column it is read from; columns that are joined stand with a plus."""
    rows_found: int
    """Rows of the source."""
    rows_in: int
    """Rows that entered the cleaning: all, or a sample by `max_samples`."""
    rows_kept: int
    dropped: dict[Rule, int]
    """Every rule in its order, zeros included."""
    examples: dict[Rule, list[Example]]
    reasoning_rows: int | None = None
    """Kept rows in which an assistant thinks before it answers; None where the report is older than the field."""
    changed: dict[Change, int]
    """Rows that were changed and kept."""
    characters: Lengths
    """Of the kept rows: the characters of all contents and all reasoning of a conversation together."""
    train_rows: int
    validation_rows: int
    leakage: Overlap
    """Validation rows that are also in the training rows."""
    against: Overlap | None = None
    """Evaluation problems that are also in the kept rows, where they were compared."""
    tokens: TokenLengths | None = None
    thinking: bool | None = None
    """Whether the rows are written for a model that thinks before it answers; None: its template has no such mode."""
    notes: list[str]
    """What was done that the recipe does not say: a fallback taken, a sample drawn, a column not read."""


def summary(values: pl.Series, bins: int = 32) -> Lengths:
    """Quartiles and histogram of whole numbers, of which there is at least one."""
    low, high = int(values.min()), int(values.max())  # type: ignore[arg-type]
    width = max(-(-(high - low + 1) // bins), 1)
    counted = ((values - low) // width).value_counts().sort(by=values.name)
    counts = dict(counted.iter_rows())
    return Lengths(
        min=low,
        median=float(values.median()),  # type: ignore[arg-type]
        mean=float(values.mean()),  # type: ignore[arg-type]
        p95=float(values.quantile(0.95)),  # type: ignore[arg-type]
        max=high,
        histogram=[Bin(low + i * width, counts.get(i, 0)) for i in range((high - low) // width + 1)],
    )
