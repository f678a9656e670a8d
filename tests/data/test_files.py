import gzip
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qwenlab.data import content, json_rows, strict_json
from qwenlab.data.clean import ENCODING_FAULT
from qwenlab.data.files import read_file
from qwenlab.data.written_turns import with_turns
from qwenlab.errors import UserError
from tests.data.made import write_jsonl, write_xlsx

Rows = Sequence[dict[str, Any]]
ROWS = [{"question": "Who?", "answer": 'I, "me",\nand é 漢'}, {"question": "", "answer": "x;y\tz"}]


def _as_json(path: Path, rows: Rows) -> None:
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _as_jsonl(path: Path, rows: Rows) -> None:
    write_jsonl(path, rows)


def _as_csv(path: Path, rows: Rows) -> None:
    separator = "\t" if path.suffix == ".tsv" else ","
    pl.DataFrame(rows).write_csv(path, separator=separator, quote_style="always")


def _as_xlsx(path: Path, rows: Rows) -> None:
    write_xlsx(path, first=[list(rows[0]), *(list(row.values()) for row in rows)])


def _as_arrow(path: Path, rows: Rows) -> None:
    table = pl.DataFrame(rows).to_arrow()
    with pa.ipc.new_stream(path, table.schema) as stream:
        stream.write_table(table)


def _as_parquet(path: Path, rows: Rows) -> None:
    pl.DataFrame(rows).write_parquet(path)


WRITERS: dict[str, Callable[[Path, Rows], None]] = {
    ".jsonl": _as_jsonl,
    ".ndjson": _as_jsonl,
    ".json": _as_json,
    ".csv": _as_csv,
    ".tsv": _as_csv,
    ".parquet": _as_parquet,
    ".arrow": _as_arrow,
}


def written(folder: Path, suffix: str, rows: Rows, compression: str = "") -> Path:
    path = folder / f"rows{suffix}"
    WRITERS[suffix](path, rows)
    if not compression:
        return path
    packed = path.with_name(path.name + compression)
    with pa.output_stream(packed, compression=content.COMPRESSED[compression]) as stream:
        stream.write(path.read_bytes())
    return packed


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str, compression: str) -> None:
    path = written(tmp_path, suffix, ROWS, compression)
    assert read_file(path).frame.to_dicts() == ROWS
    assert read_file(path).name == path.name


# Without what CSV cannot hold (a lone carriage return is a line end to it), and without null characters in JSON keys.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=20)


@pytest.mark.parametrize("suffix", WRITERS)
@given(pairs=st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_written_is_read_back(tmp_path: Path, suffix: str, pairs: list[tuple[str, str]]) -> None:
    rows = [{"question": question, "answer": answer} for question, answer in pairs]
    assert read_file(written(tmp_path, suffix, rows)).frame.to_dicts() == rows


def test_a_sheet_is_read_as_texts_and_others_are_told(tmp_path: Path) -> None:
    rows: list[list[str | float | None]] = [
        ["question", " answer "],
        ['5" wide,\nor <b>', 4],
        [None, None],
        ["漢 ", 4.5],
        ["x", None],
    ]
    table = read_file(write_xlsx(tmp_path / "a.xlsx", Rows=rows, Notes=[["n"]], More=[["m"]]))
    assert table.frame.to_dicts() == [
        {"question": '5" wide,\nor <b>', "answer": "4"},
        {"question": "漢 ", "answer": "4.5"},
        {"question": "x", "answer": None},
    ]
    assert table.notes == ("a.xlsx: the sheet Rows was read, and not Notes, More.",)


def test_arrow_files_are_read_as_streams_are(tmp_path: Path) -> None:
    pl.DataFrame(ROWS).write_ipc(tmp_path / "a.arrow")
    assert read_file(tmp_path / "a.arrow").frame.to_dicts() == ROWS


def test_spaces_around_the_names_of_columns_are_none(tmp_path: Path) -> None:
    rows = [{" question": "q", "answer ": "a", "x": "1", " x ": "2"}]
    for suffix in (".csv", ".jsonl", ".parquet"):
        assert read_file(written(tmp_path, suffix, [{" q": "q", "a ": "a"}])).frame.columns == ["q", "a"]
        assert read_file(written(tmp_path, suffix, rows)).frame.columns == list(rows[0]), "two would be the same"


def test_turns_are_read_from_json_and_from_parquet(tmp_path: Path) -> None:
    rows: Rows = [
        {"messages": [{"role": "user", "content": "a"}]},
        {"messages": [{"role": "user", "content": "b"}, {"role": "assistant", "content": "c", "weight": 1}]},
    ]
    for suffix in (".jsonl", ".json", ".parquet"):
        messages = read_file(written(tmp_path, suffix, rows)).frame["messages"].to_list()
        assert [[turn["content"] for turn in turns] for turns in messages] == [["a"], ["b", "c"]]


def test_the_hash_is_the_file_s_own(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "b"}\n')
    # printf '{"a": "b"}\n' | sha256sum
    assert read_file(path).sha256 == "af03151ac1c5f1a7d48974dc077f0580bc3550c6cee8ae89279154e031831964"


@pytest.mark.parametrize(
    "text", ['{"a": "x"}\n\n \n{"a": "y"}\n\n', '{"a": "x"}\r\n{"a": "y"}', '\ufeff{"a": "x"}\n{"a": "y"}']
)
def test_blank_lines_line_ends_and_a_byte_order_mark_are_no_rows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(text.encode())
    assert read_file(path).frame.to_dicts() == [{"a": "x"}, {"a": "y"}]


def test_an_object_may_hold_the_list_of_rows(tmp_path: Path) -> None:
    for indent in (None, 2):
        path = tmp_path / "a.json"
        path.write_text(json.dumps({"data": ROWS}, indent=indent))
        assert read_file(path).frame.to_dicts() == ROWS


def test_one_conversation_is_one_row(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    assert read_file(write_jsonl(tmp_path / "a.jsonl", [row])).frame.to_dicts() == [row]


def test_numbers_among_texts_are_texts_and_what_is_no_text_is_kept_apart(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"a": "x", "b": {"c": 1}}, {"a": 2, "b": [1]}, {"a": None, "b": "t"}])
    assert read_file(path).frame.to_dicts() == [
        {"a": "x", "b": {"text": None, "no text": '{"c": 1}'}},
        {"a": "2", "b": {"text": None, "no text": "[1]"}},
        {"a": None, "b": {"text": "t", "no text": None}},
    ]


def test_blocks_are_read_as_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Rows = [{"a": 1}, {"a": "x"}, {"a": None, "m": [{"role": "u"}]}, {"m": [{"role": "v", "content": "w"}]}] * 3
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    whole = read_file(path).frame
    monkeypatch.setattr(json_rows, "BLOCK", 10)
    monkeypatch.delattr(strict_json, "read")
    assert read_file(path).frame.equals(whole)
    assert whole.height == 12 and whole["a"].to_list()[:3] == ["1", "x", None]


def test_a_row_that_polars_lost_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    monkeypatch.setattr(pl, "read_ndjson", lambda *_, **__: pl.DataFrame(ROWS[:1]))
    monkeypatch.setattr(strict_json, "read", lambda *_: pl.DataFrame(ROWS))
    assert read_file(path).frame.to_dicts() == ROWS


def test_a_semicolon_separates_where_there_is_no_comma(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question;answer\na, b;c\n")
    assert read_file(path).frame.to_dicts() == [{"question": "a, b", "answer": "c"}]


def test_empty_fields_of_a_csv_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('question,answer\na,\n\n,"b"\n')
    assert read_file(path).frame.rows() == [("a", None), (None, "b")]


BAD_FILES = {
    "empty": ("a.jsonl", b"", "a.jsonl is empty"),
    "blank": ("a.jsonl", b" \n\n", "a.jsonl is empty"),
    "empty parquet": ("a.parquet", b"", "a.parquet is empty"),
    "no rows": ("a.json", b"[]", "a.json has no rows"),
    "header only": ("a.csv", b"question,answer\n", "a.csv has no rows"),
    "gzip by content": ("a.csv", gzip.compress(b"a,b"), "its content is .gz"),
    "a git lfs pointer": (
        "a.parquet",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
        "a.parquet is a Git LFS pointer",
    ),
    "a csv that is a git lfs pointer": ("a.csv", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    "a git lfs pointer in a folder of .jsonl": (
        "train.jsonl",
        b"version https://git-lfs.github.com/spec/v1\n",
        "train.jsonl is a Git LFS pointer",
    ),
    "not xlsx": ("a.xlsx", b"hello", "a.xlsx is not readable as .xlsx"),
    "a zip file": ("a.xlsx", b"PK\x03\x04 and more", "a.xlsx is not readable as .xlsx"),
    "xlsx by content": (
        "a.csv",
        b"PK\x03\x04 and more",
        "a.csv is not what its suffix says: its content is .zip or .xlsx",
    ),
    "no sheet rows": ("a.xlsx", None, "a.xlsx has no rows"),
    "not arrow": ("a.arrow", b"hello, this is no arrow", "a.arrow is not readable as Arrow"),
    "cut arrow": ("a.arrow", b"ARROW1\0\0and then nothing", "a.arrow is not readable as Arrow"),
    "not parquet": ("a.parquet", b"hello, this is no parquet", "a.parquet is not readable as Parquet"),
    "cut gzip": (
        "a.jsonl.gz",
        gzip.compress(b'{"a": 1}\n' * 99)[:-9],
        r"a.jsonl.gz cannot be read: .*[Tt]runc",
    ),
    "not gzip": ("a.jsonl.gz", b"hello", "a.jsonl.gz cannot be read"),
    "not zstd": ("a.jsonl.zst", b"hello", "a.jsonl.zst cannot be read"),
    "broken line": ("a.jsonl", b'{"a": 1}\n{"a": 2\n{"a": 3}\n', r"a.jsonl, line 2, character 8: .*\"a\": 2 >>>"),
    "two in a line": ("a.jsonl", b'{"a": 1}\n\n{"a": 2} {"a": 3}\n', "a.jsonl, line 3, character 10: Extra data"),
    "first line": ("a.jsonl", b'{"a": }\n{"a": 2}\n', "a.jsonl, line 1, character 7"),
    "not json": ("a.jsonl", b"hello\nworld\n", "a.jsonl, line 1, character 1: Expecting value"),
    "control character": ("a.jsonl", b'{"a": "x\x00y"}\n', "a.jsonl, line 1, character 9: Invalid control character"),
    "lists": (
        "a.jsonl",
        b'{"a": 1}\n[1, 2]\n',
        r"a.jsonl, line 2: a row must be an object, and here is a list: \[1, 2\]",
    ),
    "list of numbers": ("a.json", b"[1, 2]", "a.json, row 1: a row must be an object, and here is a number: 1"),
    "null row": ("a.json", b'[{"a": 1}, null]', "a.json, row 2: a row must be an object, and here is null"),
    "a text": ("a.json", b'"hello"', "a.json, line 1: a row must be an object, and here is a string"),
    "broken json": ("a.json", b'[{"a": 1},\n {"a": }]', "a.json, line 2, character 8: Expecting value"),
    "broken object": ("a.json", b'{\n "data": [\n  {"a" 1}]}', "a.json, line 3, character 8: Expecting ':'"),
    "deep": ("a.json", b"[" * 100_000, "a.json, line 1: maximum recursion"),
    "not utf-8": (
        "a.jsonl",
        b'{"a": "x"}\n{"a": "caf\xe9"}\n',
        "a.jsonl, line 2: byte 22 of the file, 0xe9, is not UTF-8",
    ),
    "csv not utf-8": ("a.csv", b"a,b\nx,\xff\n", "a.csv, line 2: byte 7 of the file, 0xff, is not UTF-8"),
    "short row": ("a.csv", b"a,b\n1,2\n3\n4,5\n", r"a.csv, row 2 \(line 3\): it has 1 fields, and the header has 2"),
    "long row": ("a.csv", b"a,b\n1,2\n3,4,5\n", r"a.csv, row 2 \(line 3\): it has 3 fields, and the header has 2"),
    "open quote": ("a.csv", b'a,b\n1,2\n3,"4\n5,6\n', r"a.csv, row 2 \(line 3\): unexpected end of data"),
    "lost quote": ("a.csv", b'a,b\n"1\n1",2\n3,"4"x\n5,6\n', r"a.csv, row 2 \(line 4\): ',' expected after"),
    "tsv quote": ("a.tsv", b'a\tb\n"1" x\t2\n', r"a.tsv, row 1 \(line 2\)"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_a_sentence_that_says_where(tmp_path: Path, case: str) -> None:
    name, content, message = BAD_FILES[case]
    if content is None:
        write_xlsx(tmp_path / name, first=[["question", "answer"]])
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_file(tmp_path / name)
    assert caught.value.hint


@given(st.binary(max_size=60), st.sampled_from([*WRITERS, ".xlsx"]), st.sampled_from(["", ".gz", ".zst"]))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_content_is_a_traceback(tmp_path: Path, content: bytes, suffix: str, compression: str) -> None:
    path = tmp_path / f"a{suffix}{compression}"
    path.write_bytes(content)
    try:
        assert read_file(path).frame.height > 0
    except UserError as error:
        assert path.name in error.message


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.tuples(texts | st.none(), values), min_size=1, max_size=6))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_row_and_no_text_is_lost_whatever_stands_beside_it(
    tmp_path: Path, rows: list[tuple[str | None, Any]]
) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"question": text, "other": value} for text, value in rows])
    read = read_file(path).frame["question"].to_list()
    assert read == [text for text, _ in rows]


def test_a_panic_over_a_damaged_file_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(data: bytes) -> pl.DataFrame:
        raise PanicException("called `Result::unwrap()` on an `Err` value\nmore")

    path = written(tmp_path, ".parquet", ROWS)
    monkeypatch.setattr(pl, "read_parquet", panic)
    with pytest.raises(UserError, match=r"is damaged: its reader gave up \(called .* value\)"):
        read_file(path)


@pytest.mark.parametrize("half", ["\ud800", "\udfff", "a\udc00\ud800b"])
@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv"])
def test_half_a_surrogate_pair_is_an_encoding_fault(tmp_path: Path, suffix: str, half: str) -> None:
    rows = [{"role": "user", "content": f"Who{half}?"}, {"role": "assistant", "content": "\U0001f600"}]
    path = tmp_path / f"rows{suffix}"
    if suffix == ".csv":
        path.write_text(pl.DataFrame({"messages": [json.dumps(rows)]}).write_csv(), encoding="utf-8")
    else:
        path.write_text(
            json.dumps({"messages": rows} if suffix == ".jsonl" else [{"messages": rows}]), encoding="utf-8"
        )
    (turns,) = with_turns(read_file(path), None).frame["messages"].to_list()
    assert re.search(ENCODING_FAULT, turns[0]["content"]) and turns[1]["content"] == "\U0001f600"


def test_a_workbook_or_a_parquet_file_of_another_suffix_is_read_as_what_it_is(tmp_path: Path) -> None:
    rows = [["question", "answer"], ["q", "a"]]
    workbook = write_xlsx(tmp_path / "book.xlsx", first=rows).rename(tmp_path / "book.csv")
    table = read_file(workbook)
    assert table.frame.to_dicts() == [{"question": "q", "answer": "a"}]
    assert table.notes == ("book.csv is an Excel workbook, whatever its suffix says, and was read as one.",)
    table.frame.write_parquet(tmp_path / "rows.jsonl")
    assert read_file(tmp_path / "rows.jsonl").notes[0].startswith("rows.jsonl is Parquet")


def test_a_zip_archive_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "rows.csv", "w") as archive:
        archive.writestr("rows.csv", "question,answer")
    with pytest.raises(UserError, match=r"its content is \.zip"):
        read_file(tmp_path / "rows.csv")
