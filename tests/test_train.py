"""`python -m qwenlab.train`: a run from the outside. Killed, stopped, resumed, extended, repeated, refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, parse_recipe, recipe_toml
from qwenlab.runs import Run, Status, find_run, gpu_lock, list_runs
from qwenlab.runs.events import StatusChange, Train, Validation, of_kind
from qwenlab.runs.plan import PlanRecord
from qwenlab.train import main
from qwenlab.training.callback import RunCallback
from tests.models.qwen import save_random_qwen

TINY = Path(__file__).parent.parent / "recipes" / "tiny.toml"
STEPS, SAVE_EVERY = 12, 3


def write_data(path: Path, rows: int = 60) -> None:
    lines = [
        {
            "question": f"What is {n} plus {n * n}? Think about it carefully, then say it.",
            "answer": f"It is {n + n * n}. " * 4,
        }
        for n in range(rows)
    ]
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")


class Lab:
    """A folder with a model, data, a recipe and runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, folder / "runs"
        save_random_qwen(folder / "qwen")
        write_data(folder / "data.jsonl")
        settings = [
            f"model.name={folder / 'qwen'}",
            f"data.source={folder / 'data.jsonl'}",
            f"train.max_steps={STEPS}",
            f"train.save_steps={SAVE_EVERY}",
            "train.eval_steps=4",
            "train.per_device_train_batch_size=4",
            "train.learning_rate=0.02",
            "evaluate.max_new_tokens=8",
        ]
        self.recipe = folder / "recipe.toml"
        self.recipe.write_text(recipe_toml(parse_recipe(TINY.read_text(encoding="utf-8"), settings)), encoding="utf-8")

    def train(self, recipe: Path | None = None, *set_: str, **options: Any) -> Run:
        """The run that this training made or went on with."""
        main(recipe=recipe, set_=list(set_), runs=self.runs, **options)
        name = options.get("resume") or options.get("extend") or "last"
        return find_run(self.runs, name)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "qwenlab.train", *map(str, arguments), "--runs", str(self.runs)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def whole(lab: Lab) -> Run:
    """One run from start to end, which the others are compared with."""
    return lab.train(lab.recipe)


def losses(run: Run, kind: str = "train", after: int = 0) -> dict[int, float]:
    if kind == "train":
        return {event.step: event.loss for event in of_kind(run.events, Train) if event.step > after}
    return {event.step: event.eval_loss for event in of_kind(run.events, Validation) if event.step > after}


def assert_same_adapter(one: Run, other: Run) -> None:
    ours, theirs = (load_file(run.adapter / "adapter_model.safetensors") for run in (one, other))
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert ours[name].flatten().tolist() == pytest.approx(theirs[name].flatten().tolist(), abs=1e-5), name


def test_a_run_leaves_everything_that_belongs_to_it(lab: Lab, whole: Run) -> None:
    names = {path.name for path in whole.folder.iterdir() if not path.name.startswith(".")}
    assert names == {
        "recipe.toml", "run.json", "events.jsonl", "log.txt", "data.json", "sample_prompts.json", "samples.jsonl",
        "drift.json", "best", "adapter", "checkpoint-9", "checkpoint-12",
    }  # fmt: skip
    record = whole.read()
    assert record.status is Status.finished
    assert record.versions["torch"] and record.hardware and record.data_sha256 and record.engine and record.model
    assert record.rows and record.rows < 60
    assert record.started and record.finished and record.created <= record.started <= record.finished
    data = json.loads(whole.data_file.read_text())
    assert data["rows_kept"] == data["train_rows"] + data["validation_rows"]
    assert data["tokens"]["learned_total"] > 0
    log = whole.log_file.read_text()
    assert "validation loss" in log and "finished at step 12 of 12" in log
    assert "3 held-out prompts are answered at each validation" in log and "sample answers took" in log
    asked, said = whole.sample_prompts, whole.samples
    assert asked and len(asked.prompts) == 3 and asked.prompts[0].answer.startswith("It is ")
    assert (said[0].step, said[-1].step) == (0, 12) and said[0].answers != said[-1].answers
    statuses = [event.status for event in of_kind(whole.events, StatusChange)]
    assert statuses == ["running", "finished"]


def test_training_helps_on_held_out_rows(whole: Run) -> None:
    record = whole.read()
    assert record.best and record.base_eval_loss
    assert record.best.eval_loss < record.base_eval_loss - 0.1


def test_document_fixed_seed_a_run_from_a_run_s_recipe_reproduces_its_losses(lab: Lab, whole: Run) -> None:
    again = lab.train(whole.recipe_file)
    assert again.recipe == whole.recipe
    assert again.name.split("-", 2)[2] == whole.name.split("-", 2)[2]
    assert losses(again) == losses(whole)
    assert losses(again, "eval") == losses(whole, "eval")
    assert_same_adapter(again, whole)


def test_document_fixed_seed_another_seed_is_another_run(lab: Lab, whole: Run) -> None:
    other = lab.train(lab.recipe, "train.seed=43")
    assert losses(other) != losses(whole)


def test_a_killed_run_resumes_as_if_nothing_had_happened(lab: Lab, whole: Run) -> None:
    before = set(lab.runs.glob("*/run.json"))
    process = lab.start(lab.recipe)
    run = _wait_for_step(lab, before, 7)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert run.status == "lost"
    checkpoint = int(run.checkpoints[-1].name.partition("-")[2])
    assert checkpoint in (6, 9)

    asked = run.sample_prompts_file.read_bytes()
    lab.train(resume=run.name)
    assert run.status == "finished"
    assert run.sample_prompts_file.read_bytes() == asked == whole.sample_prompts_file.read_bytes()
    steps = [sample.step for sample in run.samples]
    assert steps == sorted(set(steps)) and (steps[0], steps[-1]) == (0, 12)
    assert losses(run) == pytest.approx(losses(whole), abs=1e-5)
    assert losses(run, "eval") == pytest.approx(losses(whole, "eval"), abs=1e-5)
    assert_same_adapter(run, whole)
    assert run.read().best == whole.read().best


def _wait_for_step(lab: Lab, before: set[Path], step: int) -> Run:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for path in set(lab.runs.glob("*/run.json")) - before:
            run = Run(path.parent)
            if step in losses(run):
                return run
        time.sleep(0.02)
    pytest.fail(f"no step {step} after two minutes")


def _at_step(monkeypatch: pytest.MonkeyPatch, step: int, act: Any) -> None:
    on_log = RunCallback.on_log

    def with_act(self: RunCallback, args: Any, state: Any, control: Any, logs: Any, **kwargs: Any) -> None:
        on_log(self, args, state, control, logs, **kwargs)
        if state.global_step == step and "loss" in logs:
            act()

    monkeypatch.setattr(RunCallback, "on_log", with_act)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_saves_and_stops_and_resume_goes_on(
    lab: Lab, whole: Run, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    with monkeypatch.context() as patched:
        _at_step(patched, 4, lambda: os.kill(os.getpid(), number))
        run = lab.train(lab.recipe)
    assert run.status == "stopped"
    assert [path.name for path in run.checkpoints][-1] == "checkpoint-5"
    assert f"--resume {run.name}" in run.log_file.read_text()
    lab.train(resume=run.name)
    assert run.status == "finished"
    assert losses(run) == pytest.approx(losses(whole), abs=1e-5)
    assert_same_adapter(run, whole)


def test_ctrl_c_twice_ends_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    _at_step(monkeypatch, 4, twice)
    run = lab.train(lab.recipe)
    assert run.status == "stopped"
    assert [path.name for path in run.checkpoints] == ["checkpoint-3"]
    assert "Stopped at once" in run.log_file.read_text()


def test_extend_goes_on_from_the_end(lab: Lab) -> None:
    run = lab.train(lab.recipe)
    first = losses(run)
    lab.train(None, f"train.max_steps={STEPS + 4}", extend=run.name)
    assert run.status == "finished"
    assert run.read().step == STEPS + 4
    assert {step: loss for step, loss in losses(run).items() if step <= STEPS} == first
    assert sorted(losses(run)) == list(range(1, STEPS + 5))
    assert run.recipe.train.max_steps == STEPS + 4


def test_start_from_is_a_new_run_that_begins_with_an_adapter(lab: Lab, whole: Run) -> None:
    run = lab.train(None, start_from=whole.name)
    assert run.name != whole.name
    assert run.recipe.lora.start_from == str(whole.adapter.resolve())
    best = whole.read().best
    assert best and run.read().base_eval_loss == pytest.approx(best.eval_loss, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"resume": "whole"}, "is finished"),
        ({"resume": "whole", "set_": ["train.seed=1"]}, "keeps its recipe"),
        ({"extend": "whole"}, "how far, and nothing else"),
        ({"extend": "whole", "set_": ["train.seed=1"]}, "how far, and nothing else"),
        ({"resume": "whole", "extend": "whole"}, "three different things"),
        ({"resume": "whole", "recipe": TINY}, "goes on with its own recipe"),
        ({"resume": "nothing"}, "There is no run nothing"),
        ({}, "A recipe is required"),
    ],
)
def test_what_makes_no_sense_is_told(lab: Lab, whole: Run, options: dict[str, Any], message: str) -> None:
    before = len(list_runs(lab.runs))
    given: dict[str, Any] = {key: whole.name if value == "whole" else value for key, value in options.items()}
    with pytest.raises(UserError, match=message):
        main(**{"runs": lab.runs, **given})
    assert len(list_runs(lab.runs)) == before, "nothing is left behind"


def test_a_run_resumes_only_with_what_it_began_with(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data.jsonl"
    write_data(data)
    with monkeypatch.context() as patched:
        _at_step(patched, 4, lambda: os.kill(os.getpid(), signal.SIGINT))
        run = lab.train(lab.recipe, f"data.source={data}")
    run.update(versions=run.read().versions | {"peft": "0.1"})
    write_data(data, rows=59)
    with pytest.raises(UserError, match=r"peft was 0\.1 and is .*; the data has changed"):
        lab.train(resume=run.name)
    assert run.status == "stopped", "refused, and no worse for it"
    assert "the data has changed" in run.log_file.read_text()
    lab.train(resume=run.name, force=True)
    assert run.status == "finished"


def test_a_failure_is_recorded_with_its_traceback(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    _at_step(monkeypatch, 2, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        lab.train(lab.recipe)
    run = find_run(lab.runs, "last")
    assert run.status == "failed"
    assert run.read().error == "division by zero"
    assert "Traceback" in run.log_file.read_text()


def test_bad_data_fails_before_the_model_is_loaded(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text('{"question": 1}\n{"quest', encoding="utf-8")
    with pytest.raises(UserError):
        lab.train(lab.recipe, f"data.source={tmp_path / 'data.jsonl'}")
    run = find_run(lab.runs, "last")
    assert run.status == "failed"
    assert run.read().engine is None


def test_the_next_in_line_waits_visibly(lab: Lab) -> None:
    with gpu_lock(lab.runs, "someone-else"):
        before = set(lab.runs.glob("*/run.json"))
        process = lab.start(lab.recipe)
        try:
            assert process.stdout
            for line in process.stdout:
                if line.startswith("waiting for the GPU"):
                    break
            assert line == "waiting for the GPU: someone-else\n"
            (path,) = set(lab.runs.glob("*/run.json")) - before
            run = Run(path.parent)
            assert run.status == "queued"
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()
    assert process.returncode == 0
    assert run.status == "stopped"


def test_dry_run_tells_the_plan_and_leaves_nothing(
    lab: Lab, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = set(lab.runs.glob("*"))
    main(recipe=lab.recipe, set_=["train.seed=7"], dry_run=True, plan=tmp_path / "plan.json", runs=lab.runs)
    plan = PlanRecord.model_validate_json((tmp_path / "plan.json").read_text())
    assert (plan.train_rows, plan.validation_rows, plan.steps, plan.rows_per_step) == (57, 3, 12, 4)
    assert plan.tokens > 0 and plan.engine == "transformers" and plan.memory == {} and plan.verdict == ""
    said = capsys.readouterr().out
    assert set(lab.runs.glob("*")) == before
    for wanted in (
        "57 to train on",
        "3 for validation",
        "12, each of 4 rows",
        "transformers: there is no GPU",
        "seed = 7",
    ):
        assert wanted in said, wanted


def test_exit_codes(lab: Lab, verb: Any, tmp_path: Path) -> None:
    faulty = tmp_path / "faulty.toml"
    faulty.write_text("[train]\nlearning_rat = 1\nseed = -1\n[lora]\nr = 0\n")
    result = verb("train", faulty)
    assert result.returncode == 2
    assert all(key in result.stderr for key in ("train.learning_rat", "train.seed", "lora.r"))
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.glob("runs")), "a faulty recipe leaves no run"


def test_a_tracker_that_is_not_installed_is_told(lab: Lab) -> None:
    with pytest.raises(UserError, match="wandb, which is not installed"):
        lab.train(lab.recipe, 'train.report_to=["wandb"]')


def test_the_stored_recipe_means_the_same_from_any_folder(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(lab.folder)
    main(recipe=lab.recipe, set_=["data.source=data.jsonl", "model.name=qwen"], dry_run=True, runs=lab.runs)
    assert f'source = "{lab.folder / "data.jsonl"}"' in capsys.readouterr().out


def test_recipes_of_runs_are_recipes(whole: Run) -> None:
    assert isinstance(whole.recipe, Recipe)
    assert whole.recipe_file.read_text().startswith(f"# {whole.name}, complete.")
