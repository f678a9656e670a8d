"""Code Contests as the hub has it: a parquet file whose tests are parallel lists, of which only the test split's is
fetched (63 MB; the whole data set would be gigabytes).

Of such a file, here or on the hub, the tests are the public ones, then the private, then the generated, each once. The
public ones are the prompt's examples where the description does not show any, as `load` says.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qwenlab.errors import UserError, panic_told
from qwenlab.evaluation.programs.load import ProblemRow, Problems, sorted_out
from qwenlab.evaluation.rows import checked
from qwenlab.hub import Wanted, fetch

if TYPE_CHECKING:
    import polars as pl

TEST_SPLIT = "data/test-*.parquet"
TIMES = ("seconds", "nanos")
PARTS = ("public_tests", "private_tests", "generated_tests")
NEEDED = ("name", "description", "public_tests")
GIVEN = (
    "name",
    "description",
    "cf_contest_id",
    "cf_index",
    "cf_rating",
    "memory_limit_bytes",
    "input_file",
    "output_file",
)
"""Columns that are taken as they are; in these, 0 and an empty text mean that there is none."""

SHAPE = (
    'Its columns must be those of Code Contests: name, description, public_tests of {"input": [...], "output": [...]}.'
)


def fetch_test_split(name: str) -> tuple[Path, str]:
    """The file of the test split of hub data set `name`, and the commit that it is of. Once fetched, no hub is needed.

    Raises:
        UserError: no such data set, no access to it, no such file in it, or no way to the hub and no copy here.
    """
    wanted = Wanted(name, "dataset", "evaluate.problems", "or give a file instead: evaluate.problems = PATH.")
    folder = fetch(wanted, TEST_SPLIT)
    files = sorted(folder.glob(TEST_SPLIT))
    if len(files) != 1:
        raise UserError(
            f"{name} has {len(files)} files {TEST_SPLIT} that can be had from here; one was expected.",
            "Code Contests is deepmind/code_contests; without a connection, only what was fetched before is there.",
        )
    return files[0], folder.name


def load_parquet(path: Path) -> Problems:
    """The problems of a parquet file of Code Contests' shape, in its order.

    Left out: as in `load_problems`.

    Raises:
        UserError: the file cannot be read, lacks a column, has rows that are not problems, or two of the same name.
    """
    frame = _read(path)
    rows = ((f"{path}, row {number}", row) for number, row in enumerate(frame.iter_rows(named=True), start=1))
    return sorted_out(checked(ProblemRow, rows, _as_line))


def _read(path: Path) -> "pl.DataFrame":
    import polars as pl

    from qwenlab.data.inflated import check_parquet

    lists = pl.Struct(dict.fromkeys(("input", "output"), pl.List(pl.String)))
    try:
        with panic_told(str(path), SHAPE), path.open("rb") as file:
            check_parquet(path.name, file)
            there = pl.read_parquet_schema(file)
            lacking = [column for column in NEEDED if column not in there]
            if lacking:
                raise UserError(f"{path} has no column {' and no '.join(lacking)}.", SHAPE)
            for part in PARTS:
                dtype = there.get(part, lists)
                if not (isinstance(dtype, pl.Struct) and dict(dtype.to_schema()) == dict(lists.to_schema())):
                    raise UserError(f"{path}: {part} is not of lists of texts, but {dtype}.", SHAPE)
            limit = there.get("time_limit", pl.Struct(dict.fromkeys(TIMES, pl.Int64)))
            if not (isinstance(limit, pl.Struct) and all(limit.to_schema().get(time) == pl.Int64 for time in TIMES)):
                raise UserError(f"{path}: time_limit is not of seconds and nanos, but {limit}.", SHAPE)
            frame = pl.read_parquet(file, columns=[name for name in (*GIVEN, *PARTS, "time_limit") if name in there])
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{path} cannot be read: {reason}.", SHAPE) from None
    if frame.is_empty():
        raise UserError(f"{path} is empty.", SHAPE)
    return frame


def _as_line(row: dict[str, Any]) -> dict[str, Any]:
    """The row as a line of JSON has it."""
    public, private, generated = (list(_pairs(row.get(part))) for part in PARTS)
    tests = dict.fromkeys([*public, *private, *generated])
    return {key: row[key] for key in GIVEN if row.get(key)} | {
        "tests": [{"input": given, "output": expected} for given, expected in tests],
        "n_public_est": len(dict.fromkeys(public)),
        "time_limit_s": _seconds(row.get("time_limit")),
    }


def _pairs(tests: dict[str, list[str]] | None) -> Iterator[tuple[str | None, str | None]]:
    """Where one list is shorter the pair has a None, which is then told as a fault."""
    return zip_longest(tests["input"] or (), tests["output"] or ()) if tests else iter(())


def _seconds(duration: dict[str, int] | None) -> float | None:
    """From whole seconds and nanoseconds; None where there is no limit."""
    if not duration:
        return None
    return ((duration["seconds"] or 0) + (duration["nanos"] or 0) / 1e9) or None
