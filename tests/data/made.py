"""Rows made by hand for the tests of the data room."""

import json
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import polars as pl

from qwenlab.data.conversations import CONVERSATIONS, conversations
from qwenlab.data.files import Table

QUESTION = "How many clips did Natalia sell in April and May together?"
ANSWER = "She sold 48 in April and half as many, 24, in May: 48 + 24 = 72 clips."
SHARED_DATA = Path(__file__).parents[2].parent / "shared" / "data"
"""Real data, where a checkout stands beside it."""


def table(rows: Sequence[dict[str, Any]], name: str = "made.jsonl") -> Table:
    return Table(name, pl.DataFrame(rows, infer_schema_length=None))


def asked(*pairs: tuple[str | None, str | None]) -> pl.DataFrame:
    """Conversations of one question and one answer each."""
    frame = pl.DataFrame(pairs, schema={"question": pl.String, "answer": pl.String}, orient="row")
    return conversations([Table("made.jsonl", frame)], {})[0]


def talked(*conversations_: Sequence[tuple[str, str | None]]) -> pl.DataFrame:
    """Conversations of (role, content) turns."""
    rows = [[{"role": role, "content": content} for role, content in turns] for turns in conversations_]
    frame = pl.DataFrame({"messages": rows}, schema={"messages": CONVERSATIONS["messages"]})
    return conversations([Table("made.jsonl", frame)], {})[0]


def write_jsonl(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def write_xlsx(path: Path, **sheets: Sequence[Sequence[str | float | None]]) -> Path:
    """A workbook as spreadsheets write it, as far as a reader looks: sheets by name, rows of cells."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    named = list(enumerate(sheets, 1))
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{number}" r:id="rId{number}"/>' for number, name in named)
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}">'
        + "".join(
            f'<Relationship Id="rId{number}" Type="{office}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number, _ in named
        )
        + "</Relationships>",
    }
    for number, name in named:
        rows = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in sheets[name])
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'
        )
    with zipfile.ZipFile(path, "w") as file:
        for part, text in parts.items():
            file.writestr(part, text)
    return path


def _cell(value: str | float | None) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def many(count: int) -> list[dict[str, str]]:
    """Questions and answers that no rule drops, all different."""
    return [{"question": f"{number}. {QUESTION}", "answer": f"{number}. {ANSWER}"} for number in range(count)]
