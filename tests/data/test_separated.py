"""CSV as people have it: any separator, quotes in odd places, blank lines; read in full, or refused with the line."""

import csv
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qwenlab.data import separated
from qwenlab.data.files import read_file
from qwenlab.errors import UserError


def read(folder: Path, text: str, name: str = "a.csv") -> list[tuple[str | None, ...]]:
    """The header and the rows."""
    path = folder / name
    path.write_bytes(text.encode())
    frame = read_file(path).frame
    return [tuple(frame.columns), *frame.rows()]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str, name: str, end: str) -> None:
    rows = [("question", "answer", "topic"), ("one, two; three", "a\nb", "x|y"), ('say "hi"', "plain", "\t")]
    path = tmp_path / "made.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator, lineterminator=end).writerows(rows)
    assert read(tmp_path, path.read_bytes().decode(), name) == rows


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (
            '"question";"answer";"topic, level"\n"a, b";"c";"d, e"\n',
            [("question", "answer", "topic, level"), ("a, b", "c", "d, e")],
        ),
        (
            "question;answer\nWell, yes;No, no, no\nAnd;so, on\n",
            [("question", "answer"), ("Well, yes", "No, no, no"), ("And", "so, on")],
        ),
        ("question|answer\na; b; c|d, e\n", [("question", "answer"), ("a; b; c", "d, e")]),
        ("question\tanswer\n5, 6\t7\n", [("question", "answer"), ("5, 6", "7")]),
        ('sep=;\r\nquestion;answer\r\n"a;b";c\r\n', [("question", "answer"), ("a;b", "c")]),
        ('"sep=|"\nquestion|answer\na,b|c;d\n', [("question", "answer"), ("a,b", "c;d")]),
        ("SEP=,\nquestion,answer\na;b,c\n", [("question", "answer"), ("a;b", "c")]),
        ("messages\none; two\n", [("messages",), ("one; two",)]),
    ],
)
def test_a_separator_inside_texts_is_none(tmp_path: Path, text: str, rows: list[tuple[str, ...]]) -> None:
    assert read(tmp_path, text) == rows


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('5" wide', '5" wide'),
        ('5"', '5"'),
        ('a ""b"" c', 'a ""b"" c'),
        ('"a ""b"" c"', 'a "b" c'),
        ('""""', '"'),
        ('"""a"""', '"a"'),
        ('""', None),
        ('"a, b"', "a, b"),
        ('"a\nb"', "a\nb"),
        (' "a"', ' "a"'),
        (r'"She said \"hi\" then"', 'She said "hi" then'),
        (r'"\"hi\", she said"', '"hi", she said'),
        (r'"C:\\"', r"C:\\"),
        (r'"\frac{1}{2} \"x\""', r'\frac{1}{2} "x"'),
    ],
)
@pytest.mark.parametrize("beside", ["plain", '"quoted"'])
def test_quotes_are_read_as_python_reads_them_and_escaped_ones_are_kept(
    tmp_path: Path, field: str, text: str | None, beside: str
) -> None:
    rows = read(tmp_path, f"question,answer\n{field},{beside}\n{beside},{field}\n")
    said = beside.strip('"')
    assert [tuple(value or None for value in row) for row in rows] == [
        ("question", "answer"),
        (text, said),
        (said, text),
    ]


def test_escaped_quotes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"say \\"hi\\"",x\n')
    assert read_file(path).notes == (
        'a.csv writes quotes inside texts as \\" and not as "": they were read as quotes.',
    )


def test_a_space_behind_every_separator_is_no_text(tmp_path: Path) -> None:
    assert read(tmp_path, 'question, answer\n"a, b", "c, d"\n') == [("question", "answer"), ("a, b", "c, d")]


@pytest.mark.parametrize("before", ["\n", "\r\n\r\n", "\n\n\n"])
def test_blank_lines_are_no_rows(tmp_path: Path, before: str) -> None:
    text = f'{before}question,answer\n\na,"b\n\nc"\n\n5" x,d\n\n'
    assert read(tmp_path, text) == [("question", "answer"), ("a", "b\n\nc"), ('5" x', "d")]


def test_two_columns_of_one_name_are_both_there(tmp_path: Path) -> None:
    for text in ("a,a,b\n1,2,3\n", 'a,a,b\n1,2",3\n'):
        header, row = read(tmp_path, text)
        assert header[0] == "a" and header[2] == "b" and len(set(header)) == 3 and len(row) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;b\n1;2\n3\n", r"row 2 \(line 3\): it has 1 fields, and the header has 2, separated by semicolons"),
        ("\n\na,b\n1,2\n\n3,4,5\n", r"row 2 \(line 6\): it has 3 fields, and the header has 2, separated by commas"),
        ('sep=|\na|b\n1|2\n"3|4\n', r"row 2 \(line 4\): unexpected end of data; the fields are separated by bars"),
        ('a,b\n"1" x,2\n', r"row 1 \(line 2\): ',' expected after '\"'; the fields are separated by commas"),
        ('a,b\n"1\\" x,2\n', r"row 1 \(line 2\): ',' expected after|unexpected end of data"),
    ],
)
def test_a_row_at_fault_is_named_with_the_separator(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    for text in ("sep=;\n", "sep=;\na;b\n", "\n\na,b\n"):
        with pytest.raises(UserError, match=r"a.csv has no rows"):
            read(tmp_path, text)


@pytest.mark.parametrize("separator", ["\xff", "\x00", "é"])
def test_a_separator_that_is_no_single_character_is_no_separator(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"sep={separator}\na,b\nc,d\n", encoding="latin-1")
    with pytest.raises(UserError, match=r"a\.csv"):
        read_file(path)


def test_an_ordinary_file_is_read_by_polars_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(separated._Separated, "careful")
    rows = [{"question": 'Who, "she"?\nWho', "answer": "é; 漢"}, {"question": "", "answer": '"'}] * 3
    pl.DataFrame(rows).write_csv(tmp_path / "a.csv")
    assert read_file(tmp_path / "a.csv").frame.height == 6


PIECES = ("a", "b c", ",", ";", '"', '""', "\n", "\\", "\t", "é")


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=5).map("".join), min_size=2, max_size=8))
@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_read_is_what_python_reads(tmp_path: Path, lines: list[str]) -> None:
    text = "x,y\n" + "\n".join(lines)
    assume('\\"' not in text)
    try:
        rows = [row for row in csv.reader(text.splitlines(keepends=True), strict=True) if any(row)]
        expected = [row[:2] if not any(row[2:]) else row for row in rows[1:]]
    except csv.Error:
        expected = []
    try:
        found = read(tmp_path, text)[1:]
    except UserError:
        return
    assert [[value or "" for value in row] for row in found if any(row)] == expected


def test_a_quote_in_the_name_of_a_column_is_one(tmp_path: Path) -> None:
    assert read(tmp_path, '"the ""right"" answer",question\na,b\n') == [('the "right" answer', "question"), ("a", "b")]
