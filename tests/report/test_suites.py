"""A report of several suites of every kind: verdicts over all of them, sentences, the page."""

from collections import Counter
from datetime import UTC, datetime

from qwenlab.evaluation.item import Choice, Constrained, Constraint, Item, Reference, ShortAnswer, Task
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.evaluation.scored import Scored
from qwenlab.recipe import EvaluateSettings
from qwenlab.report.build import build_report
from qwenlab.report.render import markdown, page
from qwenlab.report.schema import Report
from qwenlab.report.suite import Results
from qwenlab.runs.evaluation import EvaluationRecord
from tests.report.reports import SCRIPT
from tests.report.test_page import Page

SIDES: tuple[Side, ...] = ("base", "tuned")


def results(task: Task, outcomes: list[tuple[bool, bool]], text: str = "said") -> Results:
    """Of generated answers, right or wrong on either side."""
    items = [_item(f"i{number}", task) for number in range(len(outcomes))]
    samples, scored = [], []
    for item, pair in zip(items, outcomes, strict=True):
        for side, right in zip(SIDES, pair, strict=True):
            answer = f"{text} {side}"
            samples.append(Sample(item=item.name, model=side, sample=0, answer=answer, tokens=2, truncated=False))
            scored.append(Scored(item=item.name, model=side, found=str(right), rule="after ####", right=right))
    return Results(items, samples, scored)


def losses(pairs: list[tuple[float, float]]) -> Results:
    items = [_item(f"r{number}", Reference(answer="Because.")) for number in range(len(pairs))]
    scored = [
        Scored(item=item.name, model=side, rule="loss", loss=loss)
        for item, pair in zip(items, pairs, strict=True)
        for side, loss in zip(SIDES, pair, strict=True)
    ]
    return Results(items, [], scored)


def _item(name: str, task: Task) -> Item:
    return Item(name=name, messages=({"role": "user", "content": "Why?"},), shown="Why?", task=task)


def report(found: dict[str, Results], missing: dict[str, str] = {}) -> Report:  # noqa: B006
    """`gsm8k` and `held_out` are targets, others must not lose."""
    nothing = {"source": "s", "version": "", "available": 9, "left_out": {}, "contamination": "Not known."}
    facts = {
        name: nothing
        | {"title": name.capitalize(), "aim": "target" if name in ("gsm8k", "held_out") else "retention"}
        | ({"why": missing[name]} if name in missing else {})
        for name in (*found, *missing)
    }
    record = EvaluationRecord(created=datetime(2026, 1, 1, tzinfo=UTC), suites=facts, settings=EvaluateSettings())
    return build_report(found, None, None, "run", record)


NUMBER = ShortAnswer(form="number", gold="12")
TOLD = Constrained(constraints=(Constraint(name="punctuation:no_comma"),))
GAINED, LOST, BOTH, NEITHER = (False, True), (True, False), (True, True), (False, False)


def test_each_suite_has_its_verdict_and_its_sentence() -> None:
    found = report(
        {
            "gsm8k": results(NUMBER, [GAINED] * 12 + [BOTH] * 30),
            "instructions": results(TOLD, [BOTH] * 150 + [NEITHER] * 20),
            "choices": results(Choice(letters=("A", "B"), right="A"), [LOST] * 14 + [BOTH] * 20),
            "held_out": losses([(1.0 + number / 100, 0.9) for number in range(30)]),
        },
        {"humaneval": "The hub cannot be reached.\nCheck the connection."},
    )
    assert {name: suite.verdict for name, suite in found.suites.items()} == {
        "gsm8k": "improved", "instructions": "kept", "choices": "worse", "held_out": "improved",
        "humaneval": "not measured",
    }  # fmt: skip
    sentences = [suite.sentence for suite in found.suites.values()]
    assert sentences[0] == "Gsm8k: improved, 30 to 42 of 42, p = 0.001"
    assert sentences[1] == "Instructions: kept, 150 to 150 of 170, lost at most 1.7 points"
    assert sentences[2].startswith("Choices: worse, 34 to 20 of 34, p = 0.000")
    assert sentences[3].startswith("Held_out: improved, loss 1.145 to 0.900 nats/token over 30 rows, p ")
    assert sentences[4] == "Humaneval: not measured, The hub cannot be reached"
    assert found.sentence == " ".join(f"{sentence}." for sentence in sentences)


def test_items_that_were_gained_and_lost_are_named() -> None:
    moved = report({"gsm8k": results(NUMBER, [BOTH, GAINED, LOST, NEITHER])}).suites["gsm8k"].transitions
    assert moved and (moved.gained, moved.lost) == (("i1",), ("i2",))
    assert moved.matrix() == {(a, b): 1 for a in ("right", "wrong") for b in ("right", "wrong")}


def test_what_would_be_shown_alone_need_not_be_among_several() -> None:
    """6 of 6 flips are p = 0.031 alone, and 0.093 as the best of three."""
    six = results(NUMBER, [GAINED] * 6 + [BOTH] * 30)
    assert report({"gsm8k": six}).sentence.startswith("Improved: 30 to 36 of 36")
    still = results(TOLD, [BOTH] * 30)
    several = report({"gsm8k": six, "instructions": still, "choices": still})
    assert several.suites["gsm8k"].verdict == "not shown"
    assert several.suites["gsm8k"].p_adjusted == 3 * 2 / 2**6


def test_few_items_without_a_loss_are_not_kept() -> None:
    alone = report({"instructions": results(TOLD, [BOTH] * 40)})
    assert alone.sentence == "Not shown: 40 to 40 of 40, no problem changed, p = 1, and up to 7.2 points may be lost"


def test_the_page_has_a_part_for_each_and_is_sound() -> None:
    hostile = f"{SCRIPT}</pre></style>"
    found = report(
        {
            "gsm8k": results(NUMBER, [GAINED, LOST, BOTH], text=hostile),
            "choices": results(Choice(letters=("A",), right="A"), [BOTH, NEITHER]),
            "held_out": losses([(1.0, 0.5), (0.5, 1.0)]),
        },
        {"humaneval": f"No. {hostile}"},
    )
    seen = Page(page(found))
    assert {tag for tag, _ in seen.elements} & {"script", "img"} == set()
    assert set(Counter(attributes["id"] for _, attributes in seen.elements if "id" in attributes).values()) == {1}
    links = {attributes["href"].removeprefix("#") for tag, attributes in seen.elements if tag == "a"}
    assert links <= {attributes.get("id") for _, attributes in seen.elements}
    words = " ".join(seen.text.split())
    for suite in found.suites.values():
        assert suite.title in words and suite.sentence.partition(", ")[2] in words
    assert seen.count("details", "gained") == 2 and seen.count("details", "lost") == 2
    assert "the data's own answer" in words and "Because." in words and "found as: after ####" in words
    assert "loss 1.000 → loss 0.500" in words
    assert Report.model_validate_json(found.model_dump_json()) == found
    assert "### Base and tuned" in markdown(found) and "## Humaneval: not measured" in markdown(found)


def test_base_and_tuned_that_say_the_same_are_told() -> None:
    same = results(NUMBER, [BOTH] * 3)
    equal = same._replace(samples=[sample.model_copy(update={"answer": "12"}) for sample in same.samples])
    [note] = report({"gsm8k": equal}).suites["gsm8k"].notes
    assert note.startswith("All 3 answers of base and tuned are the same")
    assert report({"gsm8k": same}).suites["gsm8k"].notes == ()
