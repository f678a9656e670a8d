import json
import statistics
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qwenlab.data.report import DatasetReport, Example, Lengths, Overlap, OverlapExample, Row, TokenLengths, summary

LENGTHS = summary(pl.Series("length", [3, 5, 8]))

REPORT = DatasetReport(
    source="org/name",
    files=["a.jsonl"],
    sha256="0" * 64,
    layout="question_answer",
    mapping={"user": "question", "assistant": "answer"},
    rows_found=10,
    rows_in=9,
    rows_kept=7,
    dropped={"empty": 1, "duplicate": 1},
    examples={"duplicate": [Example(file="a.jsonl", row=4, text="é", repeats=Row(file="a.jsonl", row=2))]},
    changed={"code_fences": 2},
    characters=LENGTHS,
    train_rows=6,
    validation_rows=1,
    leakage=Overlap(
        compared=1,
        exact=0,
        near=1,
        examples=[
            OverlapExample(kind="near", train=Row(file="a", row=1), other=Row(file="a", row=2), text="shared words")
        ],
    ),
    tokens=TokenLengths(
        **LENGTHS.model_dump(),
        total=16,
        learned_total=9,
        truncated=1,
        truncated_share=1 / 3,
        nothing_to_learn=[Row(file="a", row=3)],
    ),
    notes=["a note"],
)


def test_a_report_survives_json() -> None:
    assert DatasetReport.model_validate_json(REPORT.model_dump_json()) == REPORT


def test_an_older_report_is_read(tmp_path: Path) -> None:
    values = json.loads(REPORT.model_dump_json())
    for newer in ("reasoning_rows", "columns"):
        del values[newer]
    (tmp_path / "data.json").write_text(
        json.dumps(values | {"changed": {"code_fences": 2}, "dropped": {"conversation": 1}})
    )
    read = DatasetReport.read(tmp_path / "data.json")
    assert (read.reasoning_rows, read.changed, read.dropped) == (None, {"code_fences": 2}, {"conversation": 1})


def test_a_report_is_versioned_and_refuses_what_it_does_not_know() -> None:
    values = json.loads(REPORT.model_dump_json())
    assert values["version"] == 1
    with pytest.raises(ValidationError, match="extra_forbidden"):
        DatasetReport.model_validate(values | {"surprise": 1})
    with pytest.raises(ValidationError, match="version"):
        DatasetReport.model_validate(values | {"version": 2})


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_a_summary_agrees_with_the_statistics_module(values: list[int]) -> None:
    lengths = summary(pl.Series("length", values, dtype=pl.UInt32))
    assert (lengths.min, lengths.max) == (min(values), max(values))
    assert lengths.median == statistics.median(values)
    assert lengths.mean == pytest.approx(statistics.mean(values))
    assert lengths.min <= lengths.p95 <= lengths.max


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_a_histogram_counts_every_row_once_in_the_right_bar(values: list[int]) -> None:
    histogram = summary(pl.Series("length", values, dtype=pl.UInt32)).histogram
    edges = [bar.edge for bar in histogram] + [max(values) + 1]
    assert len(histogram) <= 32
    for bar, following in zip(histogram, edges[1:], strict=True):
        assert bar.rows == sum(bar.edge <= value < following for value in values)
    assert sum(bar.rows for bar in histogram) == len(values)


def test_lengths_are_numbers_in_json() -> None:
    assert json.loads(LENGTHS.model_dump_json())["histogram"] == [[3, 1], [4, 0], [5, 1], [6, 0], [7, 0], [8, 1]]
    assert Lengths.model_validate_json(LENGTHS.model_dump_json()) == LENGTHS
