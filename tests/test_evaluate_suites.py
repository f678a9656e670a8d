"""`python -m qwenlab.evaluate` with several suites, on the real tiny model."""

import json
from pathlib import Path
from typing import Any

import pytest

from qwenlab.errors import UserError
from qwenlab.evaluate import main
from qwenlab.evaluation.item import Item
from qwenlab.files import read_lines, rewrite_lines
from qwenlab.report.schema import Report, read_report
from qwenlab.runs import Run, Status, list_evaluations
from qwenlab.runs.evaluation import newest
from qwenlab.stats.types import LossComparison
from tests.answering.vllm_stub import BASE_NAME, LORA_NAME, Stub, make_stub, serving_app
from tests.trained import linked_run, quick_self_check

LETTERS = [
    {"id": name, "question": f"Which word is {name}?", "choices": ["red", "blue", name, "green"], "answer": 2}
    for name in ("north", "seven", "apple", "cat", "stone", "rain")
]
SUMS = [{"question": f"What is {n} plus {n}?", "answer": f"{n} and {n} are\n#### {2 * n}"} for n in range(1, 13)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick_self_check(monkeypatch)


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Run:
    return linked_run(tmp_path / "runs", tmp_path_factory)


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def evaluated(run: Run, suites: str, **options: Any) -> Report:
    """Evaluate it in this process; the newest report."""
    main(run.name, runs=run.folder.parent, suite=suites, **options)
    return read_report(newest(run).report_file)


def test_every_kind_of_suite_has_its_part_in_one_report(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sums, letters = written(tmp_path / "sums.jsonl", SUMS), written(tmp_path / "letters.jsonl", LETTERS)
    suites = f"tiny,tiny_functions,gsm8k={sums},held_out,instructions,choices={letters}"
    report = evaluated(run, suites, limit=12)
    kinds = {name: suite.kind for name, suite in report.suites.items()}
    assert kinds == {
        "tiny": "program", "tiny_functions": "program", "gsm8k": "short_answer", "held_out": "reference",
        "instructions": "constrained", "choices": "choice",
    }  # fmt: skip
    assert [suite.n for suite in report.suites.values()] == [12, 12, 12, 12, 12, 6]

    loss = report.suites["held_out"].change
    assert isinstance(loss, LossComparison) and loss.difference and loss.difference.value < -0.1, "it was trained so"
    assert report.suites["held_out"].detectable is None and report.suites["held_out"].transitions is None
    kept = report.suites["instructions"]
    assert kept.retention and kept.retention_p_adjusted is not None
    assert all(row.wanted for name in ("gsm8k", "instructions", "choices") for row in report.suites[name].rows)
    assert {one.found for row in report.suites["choices"].rows for one in row.base} <= set("ABCD")

    # One sentence a suite, and the headline made of them.
    assert report.sentence == " ".join(f"{suite.sentence}." for suite in report.suites.values())
    for suite in report.suites.values():
        assert suite.sentence.startswith(f"{suite.title}: {suite.verdict}, ")
    shown = capsys.readouterr().out.splitlines()
    assert shown[-6:] == [suite.sentence for suite in report.suites.values()]
    assert report.criteria, "the contest was asked"
    assert report.drift and report.drift == run.drift
    page = newest(run).page_file.read_text(encoding="utf-8")
    assert all(f'id="items-{name}"' in page for name in kinds)


def test_what_is_asked_is_asked_with_the_run_s_system_prompt(run: Run, tmp_path: Path) -> None:
    recipe = run.recipe.with_values(data={"system_prompt": "Be brief."})
    (run.folder / "recipe.toml").unlink()  # it is a link to the one that all tests share
    run.write_recipe(recipe)
    sums = written(tmp_path / "sums.jsonl", SUMS)
    evaluated(run, f"gsm8k={sums}", limit=2)
    items = read_lines(newest(run).suite("gsm8k").items_file, Item)
    assert [item.messages[0] for item in items] == [{"role": "system", "content": "Be brief."}] * 2


def test_a_suite_that_cannot_be_had_is_not_measured_and_the_others_are(run: Run, tmp_path: Path) -> None:
    wrong = written(tmp_path / "wrong.jsonl", [{"text": "no question"}])
    report = evaluated(run, f"gsm8k={wrong},tiny", limit=4)
    maths, contest = report.suites.values()
    assert (maths.verdict, maths.rows) == ("not measured", ()) and contest.n == 4
    assert "question" in maths.why and maths.sentence.startswith("Maths: not measured, ")
    with pytest.raises(UserError, match="question"):
        evaluated(run, f"gsm8k={wrong}")
    with pytest.raises(UserError, match="There is no suite gsm8"):
        evaluated(run, "tiny,gsm8")
    with pytest.raises(UserError, match="The suite tiny is named twice"):
        evaluated(run, "tiny,tiny")
    assert [each.status for each in list_evaluations(run)] == [Status.finished, Status.failed], "none began for a typo"


def test_questions_of_the_training_rows_are_left_out(run: Run, tmp_path: Path) -> None:
    rows = [{"question": question, "answer": "#### 1"} for question in _learned(run)] + SUMS
    report = evaluated(run, f"gsm8k={written(tmp_path / 'mixed.jsonl', rows)}")
    suite = report.suites["gsm8k"]
    assert {reason: len(names) for reason, names in suite.asked.left_out.items()} == {
        "its question is in the training rows": 3
    }
    assert suite.n == suite.asked.available == len(SUMS)


def _learned(run: Run) -> list[str]:
    """What three of its training rows ask."""
    from qwenlab.evaluation.run_data import run_data

    rows = run_data(run).train["messages"].to_list()[:3]
    return [next(turn["content"] for turn in row if turn["role"] == "user") for row in rows]


@pytest.fixture
def one_model(run: Run) -> dict[str, Any]:
    return {"base_model": BASE_NAME, "tuned_model": LORA_NAME}


def test_a_server_that_ignores_the_adapter_is_refused(run: Run, tmp_path: Path, one_model: dict[str, Any]) -> None:
    stub = Stub()
    stub.ignores_adapter, stub.context = True, 100_000
    sums = written(tmp_path / "sums.jsonl", SUMS)
    with (
        serving_app(make_stub(stub)) as url,
        pytest.raises(UserError, match="All 12 answers of base and tuned") as told,
    ):
        evaluated(run, f"gsm8k={sums}", endpoint=url, **one_model)
    assert "ignores the adapter" in str(told.value) and "leave --endpoint out" in str(told.value)
    assert newest(run).status is Status.failed and not newest(run).report_file.exists()


def test_what_only_a_model_in_memory_tells_is_not_asked_of_a_server(
    run: Run, tmp_path: Path, one_model: dict[str, Any]
) -> None:
    sums, letters = written(tmp_path / "sums.jsonl", SUMS), written(tmp_path / "letters.jsonl", LETTERS)
    stub = Stub()
    stub.context = 100_000
    with serving_app(make_stub(stub)) as url:
        report = evaluated(run, f"gsm8k={sums},choices={letters}", limit=3, endpoint=url, **one_model)
    assert report.suites["gsm8k"].n == 3
    assert "no server tells" in report.suites["choices"].why


def test_answers_to_free_text_are_generated_where_they_are_asked_for(run: Run) -> None:
    silent = evaluated(run, "held_out", limit=3).suites["held_out"]
    assert {one.answer for row in silent.rows for one in (*row.base, *row.tuned)} == {""}
    spoken = evaluated(run, "held_out", limit=3, answers=True).suites["held_out"]
    assert all(one.answer and one.loss is not None for row in spoken.rows for one in (*row.base, *row.tuned))
    assert [[one.loss for one in (*row.base, *row.tuned)] for row in spoken.rows] == [
        [one.loss for one in (*row.base, *row.tuned)] for row in silent.rows
    ]


def test_a_suite_that_was_left_out_is_tried_again(run: Run, tmp_path: Path) -> None:
    """As where the hub could not be reached: what was answered is kept, and the missing suite is asked then."""
    sums = tmp_path / "sums.jsonl"
    written(sums, [{"text": "not yet"}])
    evaluated(run, f"gsm8k={sums},tiny", limit=4)
    before = newest(run).suite("tiny").samples_file.read_bytes()
    written(sums, SUMS)
    main(run.name, runs=run.folder.parent, rejudge=True)
    assert read_report(newest(run).report_file).suites["gsm8k"].verdict == "not measured", "judging asks nothing anew"
    newest(run).update(status=Status.stopped)
    main(run.name, runs=run.folder.parent, resume=True)
    report = read_report(newest(run).report_file)
    assert list(report.suites) == ["gsm8k", "tiny"] and report.suites["gsm8k"].n == 4
    assert newest(run).suite("tiny").samples_file.read_bytes() == before


def test_one_that_ended_while_its_items_were_written_goes_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = written(tmp_path / "letters.jsonl", LETTERS)

    def full(path: Path, lines: object) -> None:
        rewrite_lines(path, lines)  # type: ignore[arg-type]
        raise UserError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr("qwenlab.jobs.evaluate.items.rewrite_lines", full)
        with pytest.raises(UserError, match="The disk is full"):
            evaluated(run, f"choices={letters}")
    assert newest(run).suite("choices").items_file.exists()
    main(run.name, runs=run.folder.parent, resume=True)
    assert read_report(newest(run).report_file).suites["choices"].n == len(LETTERS)
