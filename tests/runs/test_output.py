"""What a process says stands on the terminal and in the log."""

import sys
from pathlib import Path

import pytest
from rich.table import Table

from qwenlab.runs.output import Output
from qwenlab.text import duration


def test_everything_said_is_in_both_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.txt"
    with Output(log) as output:
        output.say("one [bold]line[/bold] of plain text")
        table = Table.grid()
        table.add_row("a table")
        output.show(table)
        output.log("for the log alone")
        with output.heard():
            print("a library on stdout")
            print("a library on stderr", file=sys.stderr)
    said = capsys.readouterr()
    assert said.out.splitlines() == ["one [bold]line[/bold] of plain text", "a table", "a library on stdout"]
    assert said.err == "a library on stderr\n"
    assert log.read_text().splitlines() == [
        "one [bold]line[/bold] of plain text", "a table", "for the log alone", "a library on stdout",
        "a library on stderr",
    ]  # fmt: skip


def test_a_second_process_adds_to_the_log(tmp_path: Path) -> None:
    for text in ("first", "resumed"):
        with Output(tmp_path / "log.txt") as output:
            output.say(text)
    assert (tmp_path / "log.txt").read_text() == "first\nresumed\n"


def test_without_a_log_the_terminal_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    with Output() as output, output.heard():
        print("heard")
    assert capsys.readouterr().out == "heard\n"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (99.4, "99 s"), (100, "2 min"), (734, "12 min"), (5999, "1 h 40 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
