"""The result card: what it says, and that it is a picture whatever the texts on it are."""

import re
from xml.etree import ElementTree

import pytest

from qwenlab.report import result_card
from qwenlab.report.render import page
from qwenlab.report.result_card import draw, wrapped
from qwenlab.report.schema import Report
from qwenlab.report.summary import EXAMPLES, main_suite, share, summarise
from tests.report.reports import SCRIPT, contest, whole_report, with_contest
from tests.report.test_suites import BOTH, GAINED, LOST, NUMBER, losses, report, results

HOSTILE = f"{SCRIPT}</text></svg><img src=x onerror=alert(1)>\x00\x0b\ufffe&{{7*7}}]]>" + "界" * 300 + "w" * 4000


def drawn(found: Report) -> ElementTree.Element:
    return ElementTree.fromstring(draw(summarise(found)))


def texts(card: ElementTree.Element) -> list[str]:
    return [each.text or "" for each in card.iter("text")]


def test_it_says_who_was_asked_what_came_out_and_what_it_took() -> None:
    card = drawn(whole_report())
    words = texts(card)
    for said in ("tiny, trained on mine.csv", "Contest problems: share solved of 18 problems", "17 %", "61 %",
                 "9 learned", "1 forgotten", "Improved", "95 % interval 6 to 39 %", "validation loss", "2.100 → 0.410",
                 "Trained in 80 s and evaluated in 24 s on NVIDIA RTX 4070", "qwenlab · 2 Jan 2026"):  # fmt: skip
        assert said in words
    assert contest(whole_report()).sentence in words
    assert card.attrib["aria-label"].startswith("tiny, trained on mine.csv. Contest problems: share solved")
    assert (card.attrib["width"], card.attrib["height"]) == ("1200", "630")


def test_two_examples_are_learned_and_one_that_was_forgotten_is_not_hidden() -> None:
    examples = summarise(whole_report()).examples
    assert [one.outcome for one in examples] == ["gained", "gained", "lost"]
    assert len(examples) == EXAMPLES
    assert {"learned", "forgotten"} <= set(texts(drawn(whole_report())))
    assert "print(int(input())\N{NO-BREAK SPACE}+\N{NO-BREAK SPACE}1)" in texts(drawn(whole_report()))


def test_a_suite_that_got_worse_is_on_the_card_of_one_that_improved() -> None:
    found = report(
        {
            "choices": results(NUMBER, [LOST] * 14 + [BOTH] * 20),
            "gsm8k": results(NUMBER, [GAINED] * 12 + [BOTH] * 30),
        }
    )
    name, main = main_suite(found)
    assert (name, main.verdict) == ("gsm8k", "improved")
    assert found.suites["choices"].sentence in texts(drawn(found))


def test_whatever_is_written_on_it_is_text_and_well_formed() -> None:
    card = drawn(whole_report(hostile=HOSTILE))
    allowed = {"svg", "rect", "path", "circle", "text", "polyline"}
    assert {element.tag for element in card.iter()} <= allowed
    for element in card.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name or name == "style"]
    assert any(SCRIPT in text for text in texts(card))


def test_nothing_runs_out_of_its_place() -> None:
    for element in drawn(whole_report(hostile=HOSTILE)).iter("text"):
        mono, bold = "mono" in element.attrib.get("font-family", ""), "font-weight" in element.attrib
        wide = result_card._width(element.text or "", float(element.attrib["font-size"]), bold, mono)
        left = float(element.attrib["x"])
        anchor = element.attrib.get("text-anchor")
        right = left if anchor == "end" else left + wide / 2 if anchor == "middle" else left + wide
        assert 0 <= right <= result_card.WIDTH - result_card.EDGE + 2, element.text


def test_a_loss_has_no_percents_and_less_is_better() -> None:
    summary = summarise(report({"held_out": losses([(2.0 + number / 50, 1.0) for number in range(30)])}))
    assert summary.base and summary.tuned
    assert (summary.base.shown, summary.tuned.shown) == ("2.290", "1.000")
    assert summary.asked.endswith("less is better")
    assert (summary.gained, summary.lost) == ("30 better", "0 worse")
    assert 0 < summary.tuned.place < summary.base.place <= 1
    draw(summary)


def test_what_was_not_measured_says_why_and_shows_no_figure() -> None:
    summary = summarise(whole_report(sandbox=False))
    assert summary.base is None and "no sandbox works here" in summary.why
    card = draw(summary)
    assert "Not measured" in card and "no sandbox works here" in card and "learned" not in card


def test_with_several_answers_an_item_the_card_is_of_pass_at_1() -> None:
    whole = whole_report()
    rows = tuple(row.model_copy(update={"base": row.base * 3, "tuned": row.tuned * 3}) for row in contest(whole).rows)
    draw(summarise(with_contest(whole, samples=3, rows=rows)))


def test_the_page_opens_with_the_same_card() -> None:
    whole = whole_report()
    assert page(whole).count(draw(summarise(whole))) == 1


@pytest.mark.parametrize(
    ("value", "shown"), [(0.0, "0 %"), (0.004, "0.4 %"), (0.735, "74 %"), (0.999, "99.9 %"), (1.0, "100 %")]
)
def test_a_share_is_never_rounded_to_nothing_or_to_all(value: float, shown: str) -> None:
    assert share(value) == shown


def test_lines_break_between_words_and_end_with_an_ellipsis() -> None:
    assert wrapped("one two three", 1000, 16, 1) == ["one two three"]
    lines = wrapped("one two three four five six", 100, 16, 2)
    assert len(lines) == 2 and lines[1].endswith("…") and re.fullmatch(r"one two\b.*", lines[0])
    assert wrapped("", 100, 16, 2) == []
    assert wrapped("w" * 500, 100, 16, 1)[0].endswith("…")
