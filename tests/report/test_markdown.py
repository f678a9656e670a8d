"""The report as Markdown: the answer first, everything that it rests on, and only text where others wrote."""

import re

from qwenlab.report.render import markdown
from tests.report.reports import SCRIPT, contest, whole_report


def _read(text: str) -> str:
    """As a reader sees it: escapes are undone."""
    return re.sub(r"\\(.)", r"\1", text).replace("\N{NO-BREAK SPACE}", " ")


def test_the_answer_is_the_title_and_the_rest_follows() -> None:
    report = whole_report()
    text = _read(markdown(report))
    assert text.startswith(f"# {report.sentence}\n")
    assert [line.lstrip("# ") for line in text.splitlines() if line.startswith("##")] == [
        "Success criteria",
        "Contest problems: improved",
        "Base and tuned",
        "By difficulty",
        "Verdicts, base to tuned",
        "Why answers failed",
        "What to try next",
        "Judge verified",
        "Cost",
        "Settings",
    ]
    assert "| pass: and it passes every test | 3 of 18: 16.7 % (6 to 39 %) | 11 of 18: 61.1 % (39 to 80 %) |" in text
    assert "**Lost (1)**: add-one-9" in text
    assert "Evidence: validation loss rose from 0.41 at step 300 to 0.52 at step 900." in text
    assert contest(report).asked.contamination in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    hostile = "a | b\n| c |"
    lines = markdown(whole_report(hostile=hostile)).splitlines()
    tables = "\n".join(line if line.startswith("|") else "" for line in lines).split("\n\n")
    for table in filter(None, (table.strip() for table in tables)):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_what_others_wrote_is_neither_html_nor_markdown() -> None:
    text = markdown(whole_report(hostile=f"{SCRIPT}[a](http://b) `c` **d**"))
    assert re.findall(r"(?<!\\)<", text) == []
    assert re.findall(r"(?<!\\)\[a", text) == []
    assert "**d**" not in text


def test_without_a_sandbox() -> None:
    text = _read(markdown(whole_report(sandbox=False)))
    assert text.startswith("# Not measured: no sandbox works here; sudo apt install bubblewrap\n")
    assert "## Judge not verified" in text
    assert "| generation: a program was found | 14 of 18" in text
