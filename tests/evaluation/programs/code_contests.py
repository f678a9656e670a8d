"""A small parquet file of exactly the shape that Code Contests has on the hub."""

from pathlib import Path
from typing import Any

import polars as pl

TESTS = pl.Struct({"input": pl.List(pl.String), "output": pl.List(pl.String)})
SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "name": pl.String,
    "description": pl.String,
    "public_tests": TESTS,
    "private_tests": TESTS,
    "generated_tests": TESTS,
    "source": pl.Int64,
    "difficulty": pl.Int64,
    "solutions": pl.Struct({"language": pl.List(pl.Int64), "solution": pl.List(pl.String)}),
    "incorrect_solutions": pl.Struct({"language": pl.List(pl.Int64), "solution": pl.List(pl.String)}),
    "cf_contest_id": pl.Int64,
    "cf_index": pl.String,
    "cf_points": pl.Float32,
    "cf_rating": pl.Int32,
    "cf_tags": pl.List(pl.String),
    "is_description_translated": pl.Boolean,
    "untranslated_description": pl.String,
    "time_limit": pl.Struct({"seconds": pl.Int64, "nanos": pl.Int64}),
    "memory_limit_bytes": pl.Int64,
    "input_file": pl.String,
    "output_file": pl.String,
}
NONE: dict[str, list[str]] = {"input": [], "output": []}
ROW: dict[str, Any] = {
    "name": "1575_A. Sum",
    "description": "Add two numbers.",
    "public_tests": {"input": ["1 2\n"], "output": ["3\n"]},
    "private_tests": {"input": ["5 5\n", "1 2\n"], "output": ["10\n", "3\n"]},
    "generated_tests": {"input": ["0 0\n", "5 5\n"], "output": ["0\n", "10\n"]},
    "source": 2,
    "difficulty": 7,
    "solutions": {"language": [3], "solution": ["print(sum(map(int, input().split())))"]},
    "incorrect_solutions": {"language": [], "solution": []},
    "cf_contest_id": 1575,
    "cf_index": "A",
    "cf_points": 500.0,
    "cf_rating": 1300,
    "cf_tags": ["math"],
    "is_description_translated": False,
    "untranslated_description": "",
    "time_limit": {"seconds": 0, "nanos": 500_000_000},
    "memory_limit_bytes": 256_000_000,
    "input_file": "",
    "output_file": "",
}


def write_parquet(path: Path, *rows: dict[str, Any]) -> Path:
    """Rows that differ from ROW in these columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame([ROW | row for row in rows], schema=SCHEMA).write_parquet(path)
    return path
