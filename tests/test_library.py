"""`import qwenlab`: light, typed, and the whole job from Python on the bundled tiny Qwen."""

import importlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import qwenlab as ql
from qwenlab.answering.answerer import Answer, Ask, Listener
from qwenlab.runs import Status

SHORT = {"train.max_steps": 6, "train.eval_steps": 3, "train.save_steps": 3, "data.max_samples": 60}


@pytest.fixture(scope="module")
def recipe() -> ql.Recipe:
    return ql.load_recipe("tiny", SHORT)


@pytest.fixture(scope="module")
def run(recipe: ql.Recipe, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ql.Run]:
    """Trained where trl was imported first, as a notebook may have done."""
    import trl  # noqa: F401

    yield ql.train(recipe, runs=tmp_path_factory.mktemp("runs"), name="short")


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = {"torch", "transformers", "polars", "pydantic", "gradio", "numpy", "rich", "typer"}
    code = f"import sys, qwenlab; print(*({heavy!r} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


def test_every_name_is_there_and_stays_when_the_command_of_that_name_is_imported() -> None:
    assert hasattr(importlib.import_module("qwenlab.train"), "main")
    for name in ql.__all__:
        assert callable(getattr(ql, name)), name
    assert set(ql.__all__) <= set(dir(ql))
    with pytest.raises(AttributeError, match="no attribute 'trane'"):
        ql.trane  # noqa: B018


def test_a_recipe_comes_by_name_from_a_file_or_from_values(tmp_path: Path) -> None:
    assert ql.load_recipe("tiny", {"train.max_steps": 24}).train.max_steps == 24
    assert ql.load_recipe({"data": {"source": "my.jsonl"}}, {"train.seed": 1}).train.seed == 1
    assert ql.load_recipe("tiny", {"data.source": tmp_path}).data.source == str(tmp_path)
    with pytest.raises(ql.UserError, match=r"train\.max_step.*max_steps"):
        ql.load_recipe("tiny", {"train.max_step": 24})
    with pytest.raises(ql.UserError, match=r"seed: this is not section\.key"):
        ql.load_recipe("tiny", {"seed": 24})
    with pytest.raises(ql.UserError, match="no recipe at teeny") as told:
        ql.load_recipe("teeny")
    assert told.value.hint == "There are: default, fast, small_gpu, tiny."


def test_the_plan_of_a_training(recipe: ql.Recipe, tmp_path: Path) -> None:
    plan = ql.plan(recipe, runs=tmp_path)
    assert (plan.train_rows, plan.validation_rows, plan.steps) == (57, 3, 6)
    assert "57 to train on, 3 for validation" in str(plan)
    with pytest.raises(ql.UserError, match=r"no file .*gone\.jsonl"):
        ql.plan(ql.load_recipe("tiny", {"data.source": "gone.jsonl"}), runs=tmp_path)


def test_the_data_as_training_sees_it(recipe: ql.Recipe) -> None:
    prepared = ql.prepare(recipe)
    assert prepared.report.rows_kept == 60 and prepared.report.tokens
    assert prepared.dataset.train.height == 57 and prepared.preview


def test_a_trained_run_is_there(run: ql.Run) -> None:
    assert run.status is Status.finished and run.read().step == 6
    assert [each.name for each in ql.runs(run.folder.parent)] == [run.name]
    assert run.name.endswith("-short") and run.name in repr(run)


def test_events_are_heard_and_nothing_else_is_said(
    recipe: ql.Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heard: list[object] = []
    run = ql.train(recipe, runs=tmp_path, on_event=heard.append)
    assert heard == run.events and len(heard) > 8
    assert capsys.readouterr().out == ""


def test_ctrl_c_saves_and_stops_and_resume_goes_on(recipe: ql.Recipe, tmp_path: Path) -> None:
    long = ql.load_recipe(recipe.model_dump(), {"train.max_steps": 400, "train.save_steps": 100})
    pressed = threading.Event()

    def press() -> None:
        for _ in range(600):
            found = ql.runs(tmp_path)
            if found and any(getattr(event, "kind", "") == "train" for event in found[0].events):
                break
            pressed.wait(0.1)
        os.kill(os.getpid(), signal.SIGINT)

    finger = threading.Thread(target=press)
    finger.start()
    run = ql.train(long, runs=tmp_path)
    finger.join()
    record = run.read()
    assert run.status is Status.stopped and 0 < record.step < 400
    assert run.checkpoints[-1].name == f"checkpoint-{record.step}"
    with pytest.raises(ql.UserError, match="--extend"):
        ql.extend(run)
    went_on = ql.extend(run, max_steps=record.step + 2)
    assert went_on.folder == run.folder and went_on.read().step == record.step + 2
    with pytest.raises(ql.UserError, match="is finished"):
        ql.resume(run)


def test_what_the_user_can_fix_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(ql.UserError, match=r"no file .*gone\.jsonl"):
        ql.train(ql.load_recipe("tiny", {"data.source": "gone.jsonl"}), runs=tmp_path)


def test_evaluate_gives_the_report(run: ql.Run) -> None:
    report = ql.evaluate(run, suites=["tiny"], limit=4)
    assert isinstance(report, ql.Report) and report.suites["tiny"].n == 4 and report.sentence
    again = ql.evaluate(run, rejudge=True)
    assert again.sentence == report.sentence
    with pytest.raises(ql.UserError, match="would be 3 times the same"):
        ql.evaluate(run, limit=4, samples=3)


def test_base_and_tuned_answer_from_one_model(run: ql.Run) -> None:
    with ql.load(run) as models:
        assert models.names == ["base", run.name]
        base, tuned = (models.chat("Print 1.", model=name, max_new_tokens=8) for name in models.names)
        assert isinstance(base, str) and tuned == models.chat(
            [{"role": "user", "content": "Print 1."}], max_new_tokens=8
        )
        with pytest.raises(ql.UserError, match="There is no model other"):
            models.chat("Print 1.", model="other")


class Thinker:
    """Tells how it was asked, as its reasoning."""

    names = ("base", "run")

    def stamp(self, name: str) -> dict[str, Any]:
        return {}

    def answer(self, asks: Sequence[Ask], listener: Listener | None = None) -> list[Answer]:
        return [
            Answer("56", "stop", 9, 1, f"{ask.model} {ask.thinking} {ask.sampling.max_thinking_tokens}") for ask in asks
        ]


def test_a_reply_is_its_answer_and_has_its_reasoning() -> None:
    models = ql.Models(Thinker(), {"base": True, "run": True})
    reply = models.chat("7 * 8?", max_thinking_tokens=77)
    assert reply == "56" and f"{reply}!" == "56!"
    assert (reply.reasoning, reply.finish) == ("run True 77", "stop")
    assert models.chat("7 * 8?", model="base", thinking=False).reasoning == "base False 8192"


def test_export_makes_a_folder(run: ql.Run, tmp_path: Path) -> None:
    out = ql.export(run, to="merged", out=tmp_path / "model")
    assert (out / "model.safetensors").exists()
    with pytest.raises(ql.UserError, match="is there already"):
        ql.export(run, to="merged", out=out)
