"""The page: complete, alone with itself, and deaf to what models write."""

import re
from collections import Counter
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from qwenlab.evaluation.programs.verdict import MEANING, Verdict
from qwenlab.report import tables
from qwenlab.report.render import difference, markdown, page
from qwenlab.report.schema import Report
from tests.report.reports import CONTEST, SCRIPT, contest, failing_test, whole_report, with_contest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """What a browser sees: elements with their attributes, and text. An element that is not closed is a fault."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._open: list[str] = []
        self._texts: dict[str, list[str]] = {}
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text += data
        if self._open:
            self._texts.setdefault(self._open[-1], []).append(data)

    def texts(self, tag: str) -> list[str]:
        return self._texts.get(tag, [])

    def count(self, tag: str, name: str = "") -> int:
        classes = [attributes.get("class", "").split() for found, attributes in self.elements if found == tag]
        return sum(not name or name in of_it for of_it in classes)


@pytest.fixture(scope="module")
def report() -> Report:
    return whole_report()


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return page(report)


def test_the_answer_stands_first(report: Report, html: str) -> None:
    text = Page(html).text
    assert text.index(report.sentence) < 200
    assert text.index(report.sentence) == text.index("Improved: 3 to 11 of 18")


def test_everything_that_was_found_is_on_it(report: Report, html: str) -> None:
    found = Page(html)
    words = " ".join(found.text.split())
    for criterion in report.criteria:
        assert " ".join(criterion.figures.split()) in words
        assert criterion.noise in words
    for advice in report.advice:
        assert advice.evidence in words
    assert report.advice
    assert contest(report).asked.contamination in words
    assert "Judge verified" in words
    assert "ValueError" in words
    assert "guess-it, ask-it" in words
    assert found.count("figure", "chart") == 2
    outcomes = Counter(row.outcome for row in contest(report).rows)
    assert {name: found.count("details", name) for name in outcomes} == outcomes
    assert found.count("section", "base") == found.count("section", "tuned") == contest(report).n


def test_what_the_answer_rests_on_stands_before_the_long_list_of_problems(report: Report, html: str) -> None:
    words = " ".join(Page(html).text.split())
    problems = words.index("all 18")
    for text in (contest(report).asked.contamination, "left 7 tests away", "Judge verified: bubblewrap", "Cost"):
        assert words.index(text) < problems


def test_a_criterion_that_chance_could_have_decided_says_so(html: str) -> None:
    """17 of 18 are more than 80 %, and are not shown to be."""
    assert " ".join(Page(html).text.split()).count("within noise") == 1


def test_it_fetches_nothing_and_runs_nothing(html: str) -> None:
    """No address of any kind, but for the pictures' references to parts of themselves."""
    assert re.findall(r"(?:https?:)?//[\w.]", html) == []
    found = Page(html)
    assert {tag for tag, _ in found.elements} & {"script", "link", "img", "iframe", "object", "embed", "base"} == set()
    for _, attributes in found.elements:
        assert [name for name in attributes if name.startswith("on")] == []
        assert attributes.get("href", "#").startswith("#")
    assert "@import" not in html
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    policy = next(attributes["content"] for _, attributes in found.elements if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none'")
    assert "script" not in policy


def test_what_models_and_files_wrote_is_text() -> None:
    hostile = f"{SCRIPT}</pre></style>\"'><img src=x onerror=alert(1)>{{{{ 7 * 7 }}}}"
    found = Page(page(whole_report(hostile=hostile)))
    assert {tag for tag, _ in found.elements} & {"script", "img"} == set()
    assert found.text.count(hostile) > 50
    assert "49" not in re.findall(r"\b49\b", found.text)


def test_the_filters_are_one_for_each_outcome_and_verdict_there_is(html: str) -> None:
    found = Page(html)
    chosen = [attributes["id"] for tag, attributes in found.elements if tag == "input"]
    outcomes = ["all", "gained", "lost", "both", "neither"]
    verdicts = ["all", "AC", "WA", "RE", "TLE", "no-program"]
    assert chosen == [
        f"{CONTEST}-{group}-{name}" for group, names in (("outcome", outcomes), ("verdict", verdicts)) for name in names
    ]
    labels = [attributes["for"] for tag, attributes in found.elements if tag == "label"]
    assert labels == chosen


def test_names_are_unique_on_the_page(html: str) -> None:
    ids = Counter(attributes["id"] for _, attributes in Page(html).elements if "id" in attributes)
    assert set(ids.values()) == {1}


def test_without_a_sandbox_it_says_so_and_what_mends_it() -> None:
    found = Page(page(whole_report(sandbox=False)))
    assert "Not measured: no sandbox works here; sudo apt install bubblewrap" in found.text
    assert "Problems with a program, by difficulty" in found.text
    assert found.count("details", "not-judged") == 17
    assert found.count("details", "neither") == 1  # neither side wrote a program, so there was nothing to run


def test_what_mends_a_judge_that_is_not_fit_stands_by_itself() -> None:
    report = whole_report(sandbox=False)
    sentence = "Not measured: No sandbox is fit. To fix this: sudo apt install bubblewrap"
    found = Page(page(report.model_copy(update={"sentence": sentence})))
    assert sentence in found.text
    assert "sudo apt install bubblewrap" in found.texts("code")


def test_with_several_answers_each_is_there_and_what_counts_is_told(report: Report) -> None:
    rows = tuple(row.model_copy(update={"base": row.base * 3, "tuned": row.tuned * 3}) for row in contest(report).rows)
    found = Page(page(with_contest(report, samples=3, rows=rows)))
    assert found.count("details", "sample") == 2 * 3 * contest(report).n
    assert "Problems solved, by difficulty, first answers" in found.text
    assert "one of the tuned model's 3 answers is right, where none of the base's is" in found.text
    assert "first answers" not in Page(page(report)).text


def test_the_same_report_gives_the_same_page(report: Report, html: str) -> None:
    assert page(report) == html


def test_a_difference_is_told_line_by_line() -> None:
    lines = difference(failing_test(Verdict.WA, expected="1\n2\n3\n", got="1\n3\n4\n"))
    assert [tuple(line) for line in lines] == [("same", "1"), ("expected", "2"), ("same", "3"), ("got", "4")]
    assert difference(failing_test(Verdict.WA, expected="", got="")) == []


def test_frequent_lines_are_compared_like_any_other() -> None:
    expected, got = "NO\n" + "YES\n" * 250, "YES\n" * 251
    kinds = Counter(line.kind for line in difference(failing_test(Verdict.WA, expected=expected, got=got)))
    assert kinds == {"same": 250, "expected": 1, "got": 1}


def test_verdicts_are_explained(html: str) -> None:
    text = Page(html).text
    assert all(f"{verdict}: {MEANING[verdict]}" in text for verdict in (Verdict.AC, Verdict.WA, Verdict.TLE))


@pytest.mark.browser
def test_a_browser_opens_it_offline_and_its_filters_work(html: str, tmp_path: Path, browser: "Browser") -> None:
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    with closing(browser.new_context(offline=True, java_script_enabled=False)) as context:
        opened = context.new_page()
        said: list[str] = []
        opened.on("console", lambda message: said.append(message.text))
        opened.goto((tmp_path / "report.html").as_uri())
        shown = opened.locator(".problem:visible")
        assert shown.count() == 18
        opened.get_by_text("gained 9", exact=True).click()
        assert shown.count() == 9
        opened.get_by_text("no program 4", exact=True).click()
        assert shown.count() == 3
        assert {*shown.locator("summary > :nth-child(3)").all_text_contents()} == {"no program → AC"}
        opened.get_by_text("all 18", exact=True).last.click()
        opened.get_by_text("lost 1", exact=True).click()
        assert shown.count() == 1
        opened.locator(".problem.lost summary").first.click()
        assert opened.get_by_text("standard error").first.is_visible()
        opened.set_viewport_size({"width": 390, "height": 800})
        assert opened.locator("body").evaluate("body => body.scrollWidth") <= 390
        assert said == []


def test_the_mode_is_told_and_reasoning_is_folded_beside_the_answer() -> None:
    thinking = whole_report(thinking=True)
    shown = page(thinking)
    seen = Page(shown)
    assert "Base and tuned were asked with thinking on." in seen.text
    assert "Base and tuned were asked with thinking on." in markdown(thinking)
    assert seen.texts("summary").count("reasoning, 15 characters") == 2 * contest(thinking).n
    assert shown.index("Let me add one.") < shown.index("the whole answer")
    assert "20 tokens, cut while thinking" in seen.text
    assert ("asked with", "thinking on") in tables.provenance(thinking).rows
    assert thinking.model_dump(mode="json")["thinking"] is True


def test_where_no_model_thinks_nothing_is_said_of_it(report: Report) -> None:
    assert "were asked with" not in page(report) + markdown(report)
    assert "reasoning" not in Page(page(report)).text
