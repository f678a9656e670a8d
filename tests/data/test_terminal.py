import re

import pytest
from rich.console import Console
from rich.text import Text

from qwenlab.data.report import SHAPE_RULES, DatasetReport, Example, Overlap
from qwenlab.data.terminal import funnel, overlap_line, plain
from tests.data.test_report import REPORT

RULES = ("empty", "too_short", "too_long", "duplicate", "encoding", "control_tokens", "incomplete", "conversation")


def shown(report: DatasetReport, width: int = 80) -> str:
    console = Console(width=width, record=True, force_terminal=True, highlight=False)
    with console.capture() as capture:
        console.print(funnel(report))
    return Text.from_ansi(capture.get()).plain


def report(**changes: object) -> DatasetReport:
    counts = dict.fromkeys(RULES, 0) | {"duplicate": 250, "too_long": 1}
    values = {"rows_in": 1000, "rows_kept": 749, "dropped": counts, "train_rows": 700, "validation_rows": 49}
    return REPORT.model_copy(update=values | changes)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_it_fits_the_terminal(width: int) -> None:
    lines = shown(report(), width).splitlines()
    assert max(map(len, lines)) <= min(width, 100)


def test_rows_in_every_rule_and_rows_kept_stand_one_below_the_other() -> None:
    lines = shown(report()).splitlines()
    table = [line.split("  ")[0] for line in lines[3:13]]
    assert table == [
        "rows in", "empty", "too short", "too long", "duplicate", "encoding fault", "control tokens", "incomplete",
        "not a conversation", "kept",
    ]  # fmt: skip
    assert "1,000" in lines[3] and "250" in lines[7] and "25.0 %" in lines[7] and "74.9 %" in lines[12]


def test_bars_are_as_long_as_their_counts_and_follow_one_another() -> None:
    dropped = dict.fromkeys(RULES, 0) | {"empty": 250, "duplicate": 500}
    lines = shown(report(dropped=dropped, rows_kept=250)).splitlines()
    whole, quarter, half, kept = lines[3], lines[4], lines[7], lines[12]
    assert half.count("█") == pytest.approx(whole.count("█") / 2, abs=1)
    assert quarter.rindex("█") == whole.rindex("█")
    assert half.rindex("█") == pytest.approx(quarter.index("█") - 1, abs=1)
    assert kept.rindex("█") == pytest.approx(half.index("█") - 1, abs=1)


def test_one_row_of_many_is_still_drawn_and_never_rounded_away() -> None:
    dropped = dict.fromkeys(RULES, 0) | {"empty": 1}
    lines = shown(report(rows_in=1_000_000, dropped=dropped, rows_kept=999_999)).splitlines()
    assert any(character in lines[4] for character in "▏▎▍▌▋▊▉█▐▕") and "<0.1 %" in lines[4]
    assert ">99.9 %" in lines[12]


def test_what_is_left_is_told_below() -> None:
    text = shown(report())
    assert "question and answer: user from question, assistant from answer" in text
    assert "700 rows to train on, 49 for validation" in text
    assert "median 5" in text and "3 █ █  █ 8" in text
    assert "made uniform in 2 rows" in text
    assert "1 row (33.3 %) is longer than max_length" in text
    assert "1 row is fully masked after truncation" in text
    assert "a note" in text


def test_rules_about_what_most_data_does_not_hold_are_shown_where_they_dropped_rows() -> None:
    counts = dict.fromkeys((*SHAPE_RULES, *RULES), 0)
    assert "tool calls" not in shown(report(dropped=counts))
    text = shown(report(dropped=counts | {"tool_calls": 250, "not_text": 1}))
    assert re.search(r"no text +1 .*\ntool calls +250 .* 25.0 %\nempty +0", text)


def test_files_reasoning_and_turns_that_were_cut_off_are_told() -> None:
    text = shown(
        report(files=["a.jsonl", "b.jsonl"], reasoning_rows=12, changed={"code_fences": 0, "unanswered_turns": 3})
    )
    assert re.search(r"files +a.jsonl, b.jsonl *\n", text)
    assert re.search(r"reasoning +in 12 of 749 rows *\n", text)
    assert re.search(r"last turns +nobody answers them: left out in 3 rows *\n", text)
    alone = shown(report(source="data/a.jsonl", files=["a.jsonl"], reasoning_rows=0))
    assert "files" not in alone and "reasoning" not in alone and "last turns" not in alone


def test_a_report_without_tokens_says_nothing_of_them() -> None:
    assert "max_length" not in shown(report(tokens=None))


def test_an_example_of_each_rule_is_shown() -> None:
    text = shown(report())
    assert "a.jsonl:4  repeats row 2: é" in text


def test_text_of_the_data_has_no_effect_on_the_terminal() -> None:
    hostile = "[bold red]x[/] [link=http://a]y[/link] \x1b]0;title\x07\x1b[31m \u202edesrever :smile:"
    example = Example(file="a[b].jsonl", row=1, text=hostile)
    changes = {
        "examples": {"empty": [example]},
        "source": "\x1b[2J[red]",
        "mapping": {"user": "[blue]\x1b"},
        "notes": ["\x1b"],
    }
    console = Console(width=200, force_terminal=True, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(funnel(report(**changes)))
    text = capture.get()
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
    assert "[bold red]x[/] [link=http://a]" in text
    assert "a[b].jsonl:1" in text and "[2J[red]" in text


def test_plain_is_one_line() -> None:
    assert plain(" a\n\tb\x00c ") == "a b c"


@pytest.mark.parametrize(
    ("compared", "exact", "near", "sentence"),
    [
        (0, 0, 0, "there are no rows to compare"),
        (9, 0, 0, "none of 9 rows is in training"),
        (9, 2, 0, "of 9 rows, 2 word for word also in training"),
        (9, 0, 3, "of 9 rows, 3 by a run of 13 words also in training"),
        (9, 2, 3, "of 9 rows, 2 word for word and 3 by a run of 13 words also in training"),
    ],
)
def test_an_overlap_is_a_sentence(compared: int, exact: int, near: int, sentence: str) -> None:
    overlap = Overlap(compared=compared, exact=exact, near=near, examples=[])
    assert overlap_line(overlap, "rows", "training") == sentence
