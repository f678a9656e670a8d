"""Every suite by its name: what is said of it, where its items may come from, and that what ships is whole."""

import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluation import suites
from qwenlab.evaluation.answers.gold import gold_value
from qwenlab.evaluation.item import ShortAnswer
from qwenlab.evaluation.suites import Aim, find_suite, suite_names
from qwenlab.recipe import EvaluateSettings, Recipe
from qwenlab.runs import Run
from qwenlab.stats.power import smallest_detectable_gain
from tests.data.made import write_jsonl
from tests.evaluation.suites.asking import items_of

ROOT = Path(__file__).parents[3]
FILES = ROOT / "qwenlab" / "evaluation" / "suites"
DOCUMENT = (ROOT / "docs" / "suites.md").read_text(encoding="utf-8")
SHIPPED = [name for name in suite_names() if (FILES / f"{name}.jsonl").exists()]


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_says_all_that_a_report_needs(name: str) -> None:
    suite = find_suite(name)
    assert suite.aim in get_args(Aim)
    assert all(text == text.strip() != "" for text in (suite.title, suite.licence, suite.contamination))
    assert suite.contamination.endswith(".")
    assert callable(importlib.import_module(f"{suites.__name__}.{name}").items)


def test_no_two_suites_have_one_title() -> None:
    assert len({find_suite(name).title for name in suite_names()}) == len(suite_names())


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_has_its_row_in_the_documents(name: str) -> None:
    assert f"\n| `{name}` |" in DOCUMENT


@pytest.mark.parametrize(
    ("name", "count", "gain"), re.findall(r"^\| `(\w+)` .*\| (\d+) \|.*\| (.+) \|$", DOCUMENT, re.M)
)
def test_the_documents_tell_what_a_suite_of_its_size_shows(name: str, count: str, gain: str) -> None:
    found, items = smallest_detectable_gain(int(count)).gain, int(count)
    assert found and gain == f"{found} ({100 * found / items:.1f} points)", name


def test_the_suite_that_the_documents_add_works() -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT, re.M | re.S)
    suite = ModuleType("sums")
    exec(code, suite.__dict__)
    items = items_of(suite, "", system="Be brief.").items
    assert len({item.name for item in items}) == 100 and {item.group for item in items} == {"few", "many"}
    assert all(isinstance(item.task, ShortAnswer) and gold_value(item.task) for item in items)


@pytest.mark.parametrize("name", SHIPPED)
def test_items_that_ship_are_whole(name: str, tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "asked")
    found = find_suite(name).items(run, run.recipe.evaluate)
    assert len({item.name for item in found.items}) == len(found.items) > 50
    assert not found.left_out and found.version
    assert re.search(rf"^\| `{name}` .*\| {len(found.items)} \|", DOCUMENT, re.M), "the documents have another number"
    assert all(item.messages[-1]["role"] == "user" and item.shown for item in found.items)


def test_the_suites_of_the_default_recipe_are_there() -> None:
    assert [name for name in EvaluateSettings().suites if name not in suite_names()] == []


@pytest.mark.parametrize(
    ("wanted", "said", "hint"),
    [
        ("gms8k", "There is no suite gms8k.", "Did you mean gsm8k?"),
        ("zebra", "There is no suite zebra.", "There are: "),
        ("gsm8k=gone.jsonl", "There is no file gone.jsonl.", ""),
        ("gsm8k=notes.docx", "There is no file notes.docx.", ""),
        ("gsm8k=gone", "'gone' is neither a file here nor the name of a hub data set.", "--suite gsm8k=PATH"),
        ("gsm8k=", "'' is neither a file here nor the name of a hub data set.", "--suite gsm8k=PATH"),
        ("gsm8k=.", ". is a folder; the items of a suite are in one file.", "Name the file."),
        (
            "held_out=rows.jsonl",
            "The suite held_out takes its items from no file: held_out=rows.jsonl.",
            "held_out alone",
        ),
    ],
)
def test_what_cannot_be_asked_for_is_told(
    wanted: str, said: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        find_suite(wanted)
    assert error.value.message == said and hint in error.value.hint


def test_items_come_from_a_file_that_is_named(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "test.jsonl", [{"question": "1 + 1?", "answer": "#### 2"}])
    run = Run.create(tmp_path, Recipe(), "asked")
    assert len(find_suite(f"gsm8k={file}").items(run, run.recipe.evaluate).items) == 1
    assert find_suite("gsm8k=owner/name").source == "owner/name"


def test_a_suite_of_which_nothing_is_left_says_why(tmp_path: Path) -> None:
    file = write_jsonl(tmp_path / "test.jsonl", [{"question": "1 + 1?", "answer": "It depends."}])
    run = Run.create(tmp_path, Recipe(), "asked")
    with pytest.raises(UserError) as error:
        find_suite(f"gsm8k={file}").items(run, run.recipe.evaluate)
    assert error.value.message == "The suite gsm8k has nothing to ask: 1 left out: its answer holds no number."
