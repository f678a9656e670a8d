"""What becomes of answers that are no programs."""

from pathlib import Path

from qwenlab.evaluation.item import Choice, Constrained, Constraint, Item, Reference, ShortAnswer, Task
from qwenlab.evaluation.readings import Letters, Loss, Reading
from qwenlab.evaluation.samples import Sample, Side
from qwenlab.evaluation.scored import Scored
from qwenlab.evaluation.scoring import score
from qwenlab.files import read_lines


def item(task: Task, name: str = "a", asked: str = "Why?") -> Item:
    return Item(name=name, messages=({"role": "user", "content": asked},), shown=asked, task=task)


def sample(answer: str, model: Side = "base", truncated: bool = False) -> Sample:
    return Sample(item="a", model=model, sample=0, answer=answer, tokens=1, truncated=truncated)


def scored(path: Path, one: Item, samples: list[Sample] = [], readings: list[Reading] = []) -> list[Scored]:  # noqa: B006
    told: list[int] = []
    found = score([one], samples, readings, None, path / "judged.jsonl", told.append)
    assert told[-1] == len(found)
    assert read_lines(path / "judged.jsonl", Scored) == found
    return found


def test_a_short_answer_is_what_was_found_and_whether_it_is_right(tmp_path: Path) -> None:
    number = item(ShortAnswer(form="number", gold="6 and 6 are 12.\n#### 12"))
    answers = ["So 12.\n#### 12", "It is 13.", "I cannot say."]
    found = scored(tmp_path, number, [sample(answer) for answer in answers])
    assert [(one.found, one.right) for one in found] == [("12", True), ("13", False), ("", False)]
    assert (found[1].fault, found[2].fault) == ("", "nothing found")


def test_what_stands_where_an_answer_was_cut_off_is_no_answer(tmp_path: Path) -> None:
    number = item(ShortAnswer(form="number", gold="12"))
    cut, marked = scored(tmp_path, number, [sample(answer, truncated=True) for answer in ("First, 12", "#### 12\nAnd")])
    assert (cut.right, cut.fault) == (False, "cut short")
    assert (marked.right, marked.fault) == (True, "")


def test_an_answer_that_breaks_a_constraint_names_it(tmp_path: Path) -> None:
    rules = (Constraint(name="punctuation:no_comma"), Constraint(name="change_case:english_lowercase"))
    told = item(Constrained(constraints=rules))
    right, wrong, both = scored(tmp_path, told, [sample(text) for text in ("so it is", "so, it is", "So, it is")])
    assert (right.right, right.fault) == (True, "")
    assert (wrong.right, wrong.fault) == (False, "punctuation:no_comma")
    assert both.fault == "punctuation:no_comma, change_case:english_lowercase"


def test_the_likeliest_letter_is_the_answer_and_a_tie_is_none(tmp_path: Path) -> None:
    choice = item(Choice(letters=("A", "B"), right="B"))
    letters = Letters(letters=("A", "B"), base=(0.2, 0.2), tuned=(0.1, 0.3))
    base, tuned = scored(tmp_path, choice, readings=[Reading(item="a", found=letters)])
    assert (base.model, base.found, base.right) == ("base", "", False)
    assert (tuned.model, tuned.found, tuned.right) == ("tuned", "B", True)
    assert tuned.rule == "likeliest letter; all letters have 40 % together"


def test_of_a_reference_the_losses_are_kept_and_nothing_is_right(tmp_path: Path) -> None:
    reference = item(Reference(answer="Because."))
    loss = Loss(tokens=3, base=1.5, tuned=0.5, divergence=0.1)
    found = scored(tmp_path, reference, readings=[Reading(item="a", found=loss)])
    assert [(one.model, one.loss, one.right) for one in found] == [("base", 1.5, None), ("tuned", 0.5, None)]
