"""Fitting an adapter: the events, the best one, early stopping, spikes, NaN, memory, stopping."""

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, Trainer

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.runs import Run, Status
from qwenlab.runs.events import Best, Checkpoint, Note, StatusChange, Train, Validation, of_kind
from qwenlab.runs.output import Output
from qwenlab.runs.progress import Progress
from qwenlab.runs.stop import Stopper
from qwenlab.training import trainer
from qwenlab.training.callback import RunCallback
from qwenlab.training.engine import Engine
from qwenlab.training.execution import plan_execution
from qwenlab.training.fit import fit, next_micro_batch
from qwenlab.training.load import load
from qwenlab.training.rows import Rows
from qwenlab.training.samples import Samples
from qwenlab.training.trainer import sft_config
from tests.models.random_rows import TINY, random_rows
from tests.models.small import Family, small_model

ROWS = Rows(random_rows(64), random_rows(8, seed=1))


def fitted(
    folder: Path, recipe: Recipe, engine: Engine, rows: Rows = ROWS, stopper: Stopper | None = None
) -> tuple[Run, Status]:
    run = Run.create(folder, recipe, "test")
    with run.owned(), Output(run.log_file) as output:
        return run, fit(
            run, recipe, engine, rows, plan_execution(recipe, engine), Progress(output), stopper or Stopper(), None
        )


def test_a_run_tells_everything_about_each_step(tmp_path: Path, recipe: Recipe, engine: Engine) -> None:
    run, status = fitted(tmp_path, recipe, engine)
    assert status is Status.finished
    train = of_kind(run.events, Train)
    assert [event.step for event in train] == list(range(1, 13))
    speed = ["samples_per_second", "tokens_per_second", "gpu_memory_gb", "eta_s"]
    wanted = ["time", "kind", "step", "epoch", "loss", "learning_rate", "grad_norm", *speed]
    written = [json.loads(line) for line in run.events_file.read_text().splitlines()]
    assert all(list(event) == wanted for event in written if event["kind"] == "train")
    assert all(event.gpu_memory_gb is None or torch.cuda.is_available() for event in train)
    assert all(event.tokens_per_second > 0 and event.samples_per_second > 0 for event in train)
    assert train[-1].eta_s == 0
    assert [event.step for event in of_kind(run.events, Validation)] == [0, 4, 8, 12]
    assert [event.step for event in of_kind(run.events, Checkpoint)] == [5, 10, 12]
    record = run.read()
    assert (record.step, record.total_steps) == (12, 12)
    assert record.engine and record.engine.attention == "sdpa"
    assert record.model and 0 < record.model.trainable_parameters < record.model.parameters
    assert "validation loss" in run.log_file.read_text()


def test_document_best_model_by_lowest_validation_loss_saved_when_found(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is lowest at step 8, which is no checkpoint's step: the delivered adapter is the one of step 8."""
    script = iter([5.0, 3.0, 2.0, 4.0])
    weights: dict[int, torch.Tensor] = {}
    watched: list[str] = []
    evaluate = Trainer.evaluate

    def scripted(self: Any, *args: Any, **kwargs: Any) -> Any:
        loss = next(script)
        callback = next(c for c in self.callback_handler.callbacks if isinstance(c, RunCallback))
        name, parameter = next(item for item in callback.loaded.model.named_parameters() if "lora_B" in item[0])
        watched[:] = [name]
        weights[self.state.global_step] = parameter.detach().clone()
        monkeypatch.setattr(self, "evaluation_loop", _loop_with(self.evaluation_loop, loss))
        return evaluate(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "evaluate", scripted)
    run, _ = fitted(tmp_path, recipe, engine)
    validated = [(event.step, event.eval_loss) for event in of_kind(run.events, Validation)]
    assert validated == [(0, 5), (4, 3), (8, 2), (12, 4)]
    assert [event.step for event in of_kind(run.events, Best)] == [4, 8]
    record = run.read()
    assert record.best and (record.best.step, record.best.eval_loss) == (8, 2.0)
    assert record.base_eval_loss == 5.0
    delivered = load_file(run.adapter / "adapter_model.safetensors")[watched[0].replace(".default", "")]
    assert torch.equal(delivered, weights[8])
    assert not torch.equal(delivered, weights[12])


def _loop_with(loop: Any, loss: float) -> Any:
    def run(*args: Any, **kwargs: Any) -> Any:
        output = loop(*args, **kwargs)
        output.metrics["eval_loss"] = loss
        return output

    return run


def test_document_early_stopping_after_3_validations_without_an_improvement_of_0_001(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = itertools.chain([5.0, 3.0, 2.9995, 2.9993, 2.9991], itertools.repeat(1.0))
    loop = trainer._Trainer.evaluation_loop

    def scripted(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _loop_with(loop.__get__(self), next(losses))(*args, **kwargs)

    monkeypatch.setattr(trainer._Trainer, "evaluation_loop", scripted)
    recipe = recipe.with_values(train={"max_steps": 20, "eval_steps": 2, "save_steps": 100})
    assert (recipe.train.early_stopping_patience, recipe.train.early_stopping_threshold) == (3, 0.001)
    run, status = fitted(tmp_path, recipe, engine)
    assert status is Status.finished
    record = run.read()
    assert record.early_stopped
    assert record.step == 8, "an improvement at 2, none of 0.001 at 4, 6 and 8"
    assert record.best and record.best.step == 8, "the lowest is the best, however small the step to it"
    assert [event.about for event in of_kind(run.events, Note)] == ["early_stopping"]
    assert [path.name for path in run.checkpoints] == ["checkpoint-8"], "so that it can be extended"


def test_without_validation_the_last_adapter_is_delivered(tmp_path: Path, recipe: Recipe, engine: Engine) -> None:
    run, _ = fitted(tmp_path, recipe, engine, Rows(ROWS.train, None))
    assert of_kind(run.events, Validation) == []
    assert not run.best.exists()
    last = load_file(run.folder / "checkpoint-12" / "adapter_model.safetensors")
    delivered = load_file(run.adapter / "adapter_model.safetensors")
    assert all(torch.equal(last[name], delivered[name]) for name in last)
    config = json.loads((run.adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == recipe.model.name


def test_a_stop_file_saves_and_stops_at_the_next_step(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_log = RunCallback.on_log

    def stop_at_three(self: RunCallback, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        on_log(self, args, state, control, **kwargs)
        if state.global_step == 3:
            self.run.request_stop()

    monkeypatch.setattr(RunCallback, "on_log", stop_at_three)
    run, status = fitted(tmp_path, recipe, engine)
    assert status is Status.stopped
    assert [path.name for path in run.checkpoints] == ["checkpoint-4"]
    assert run.adapter.exists()
    assert [event.status for event in of_kind(run.events, StatusChange)] == ["stopping"]


def test_a_request_before_training_is_not_taken(tmp_path: Path) -> None:
    assert not Stopper().request()


@pytest.mark.parametrize(("value", "about"), [(1.6, "spike"), (float("inf"), "infinite_loss")])
def test_spikes_and_infinities_are_noted(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch, value: float, about: str
) -> None:
    _script_losses(monkeypatch, dict.fromkeys(range(1, 12), 1.0) | {12: value})
    run, status = fitted(tmp_path, recipe, engine)
    assert status is Status.finished
    assert [(event.step, event.about) for event in of_kind(run.events, Note)] == [(12, about)]


def test_a_loss_of_one_and_a_half_times_the_median_is_no_spike_yet(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script_losses(monkeypatch, dict.fromkeys(range(1, 12), 1.0) | {12: 1.5})
    run, _ = fitted(tmp_path, recipe, engine)
    assert of_kind(run.events, Note) == []


def test_a_small_rise_near_zero_is_no_spike(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script_losses(monkeypatch, dict.fromkeys(range(1, 12), 0.01) | {12: 0.1})
    run, _ = fitted(tmp_path, recipe, engine)
    assert of_kind(run.events, Note) == []


def test_nan_ends_the_run_and_names_the_last_good_checkpoint(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _script_losses(monkeypatch, {7: float("nan")})
    with pytest.raises(UserError, match=r"NaN at step 7\. The last good checkpoint is .*checkpoint-5\."):
        fitted(tmp_path, recipe, engine)


def _script_losses(monkeypatch: pytest.MonkeyPatch, losses: dict[int, float]) -> None:
    on_log = RunCallback.on_log

    def scripted(self: RunCallback, args: Any, state: Any, control: Any, logs: Any, **kwargs: Any) -> None:
        if "loss" in logs and state.global_step in losses:
            logs = logs | {"loss": losses[state.global_step]}
        on_log(self, args, state, control, logs, **kwargs)

    monkeypatch.setattr(RunCallback, "on_log", scripted)


def _fail_above(monkeypatch: pytest.MonkeyPatch, rows: int, from_step: int = 0) -> list[tuple[int, int]]:
    """A card that has room for so many rows; returns the (micro-batch, accumulation) that were tried."""
    tried: list[tuple[int, int]] = []
    step = Trainer.training_step

    def training_step(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        shape = (self.args.per_device_train_batch_size, self.args.gradient_accumulation_steps)
        if not tried or tried[-1] != shape:
            tried.append(shape)
        if len(inputs["input_ids"]) > rows and self.state.global_step >= from_step:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(Trainer, "training_step", training_step)
    return tried


def test_out_of_memory_halves_the_batch_keeps_the_effective_one_and_goes_on_from_the_checkpoint(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = fitted(tmp_path, recipe, engine)
    tried = _fail_above(monkeypatch, rows=1, from_step=7)
    run, status = fitted(tmp_path, recipe, engine)
    assert status is Status.finished
    assert tried == [(4, 1), (2, 2), (1, 4)]
    notes = of_kind(run.events, Note)
    assert [(event.step, event.micro_batch) for event in notes] == [(5, 2), (5, 1)]
    losses, wanted = ([event.loss for event in of_kind(one.events, Train)] for one in (run, whole))
    assert losses == pytest.approx(wanted, abs=2e-3), "the same rows in each step; dropout differs with the micro-batch"
    assert len(losses) == 12


def test_out_of_memory_with_one_row_is_a_sentence(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_above(monkeypatch, rows=0)
    with pytest.raises(UserError, match="too small even for one row"):
        fitted(tmp_path, recipe, engine)


@pytest.mark.parametrize("error", [RuntimeError("Triton Error [CUDA]: out of memory"), RuntimeError("elsewhere")])
def test_another_library_s_words_for_it_count_as_well(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    step = Trainer.training_step

    def training_step(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if len(inputs["input_ids"]) > 2:
            raise error
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(Trainer, "training_step", training_step)
    if "out of memory" in str(error):
        run, status = fitted(tmp_path, recipe, engine)
        assert status is Status.finished
        assert [event.micro_batch for event in of_kind(run.events, Note)] == [2]
    else:
        with pytest.raises(RuntimeError, match="elsewhere"):
            fitted(tmp_path, recipe, engine)


def test_an_operation_without_a_deterministic_way_ends_determinism_and_not_the_run(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """torch's own error, of a real operation that has none."""
    step = Trainer.training_step
    modes: list[tuple[bool, bool]] = []

    def training_step(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        modes.append(
            (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled())
        )
        if self.state.global_step == 6:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.empty(2).put_(torch.tensor([0, 0]), torch.ones(2), accumulate=False)
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(Trainer, "training_step", training_step)
    run, status = fitted(tmp_path, recipe, engine)
    assert status is Status.finished
    notes = [(event.step, event.about, event.text) for event in of_kind(run.events, Note)]
    assert notes == [(5, "determinism", "no longer deterministic: put_ has no deterministic implementation here")]
    assert (modes[0], modes[-1]) == ((True, False), (True, True))
    record = run.read()
    assert record.engine and record.engine.deterministic is False


def test_the_record_says_what_is_done(tmp_path: Path, recipe: Recipe, engine: Engine) -> None:
    wishes = {"optim": "paged_adamw_8bit", "torch_compile": True, "max_steps": 1}
    run, _ = fitted(tmp_path, recipe.with_values(train=wishes, model={"load_in_4bit": True}), engine)
    done = run.read().engine
    assert done
    assert (done.optim, done.compiled, done.load_in_4bit, done.deterministic) == ("adamw_torch", False, False, True)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_training_is_strictly_deterministic_and_leaves_torch_as_it_was(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch, deterministic: bool
) -> None:
    def modes() -> tuple[bool, bool, bool]:
        return (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
        )

    seen = []
    step = Trainer.training_step

    def training_step(self: Any, *args: Any) -> Any:
        seen.append(modes())
        return step(self, *args)

    monkeypatch.setattr(Trainer, "training_step", training_step)
    before = modes()
    fitted(tmp_path, recipe.with_values(train={"deterministic": deterministic, "max_steps": 1}), engine)
    assert [mode[0] for mode in seen] == [deterministic]
    assert not deterministic or seen == [(True, False, False)]
    assert modes() == before == (False, False, True)


def test_a_model_that_does_not_fit_is_not_tried_with_fewer_rows(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def from_pretrained(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.02 GiB.")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", from_pretrained)
    with pytest.raises(UserError, match="does not fit into the GPU's memory") as caught:
        fitted(tmp_path, recipe, engine)
    assert "load_in_4bit = true" in caught.value.hint


def test_the_validation_batch_is_probed_before_training(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    step = Trainer.prediction_step

    def prediction_step(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        sizes.append(tuple(inputs["input_ids"].shape))
        if len(inputs["input_ids"]) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(Trainer, "prediction_step", prediction_step)
    run, _ = fitted(tmp_path, recipe, engine)
    assert [event.micro_batch for event in of_kind(run.events, Note)] == [2]
    assert sizes[0][1] == max(width for _, width in sizes), "the longest rows come first"


@pytest.mark.parametrize(
    ("effective", "micro", "smaller"), [(16, 4, 2), (16, 1, None), (12, 3, 1), (12, 12, 6), (7, 7, 1)]
)
def test_the_next_micro_batch_divides_the_effective_batch(effective: int, micro: int, smaller: int | None) -> None:
    assert next_micro_batch(effective, micro) == smaller


def test_every_recipe_setting_reaches_the_trainer(tmp_path: Path) -> None:
    recipe = read_recipe(TINY.parent / "default.toml")
    gpu = Engine("transformers", "", "cuda", "float32")
    execution = plan_execution(recipe, gpu)
    config = sft_config(tmp_path, recipe, gpu, execution, 4, validate=True, fresh=True)
    train = recipe.train
    for name in type(train).model_fields:
        if hasattr(config, name) and name not in ("report_to", "optim"):
            assert getattr(config, name) == getattr(train, name), name
    assert str(config.optim.value) == train.optim
    assert config.get_warmup_steps(1000) == 30
    assert config.max_length == recipe.data.max_length


def test_document_mixed_precision_fp16(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(trainer, "SFTConfig", lambda **given: seen.update(given))
    for dtype, flags in {"float16": (True, False), "bfloat16": (False, True), "float32": (False, False)}.items():
        engine = Engine("unsloth", "", "cuda", dtype)  # type: ignore[arg-type]
        sft_config(tmp_path, Recipe(), engine, plan_execution(Recipe(), engine), 4, validate=True, fresh=True)
        assert (seen["fp16"], seen["bf16"]) == flags


def test_the_optimiser_and_compilation_of_a_gpu_stay_off_a_cpu(tmp_path: Path, engine: Engine) -> None:
    execution = plan_execution(Recipe(), engine)
    config = sft_config(tmp_path, Recipe(), engine, execution, 4, validate=True, fresh=True)
    assert (str(config.optim.value), config.torch_compile, config.dataloader_pin_memory) == (
        "adamw_torch",
        False,
        False,
    )


def test_start_from_takes_up_another_adapter(tmp_path: Path, recipe: Recipe, engine: Engine) -> None:
    rows = Rows(ROWS.train, ROWS.train.slice(0, 8))
    first, _ = fitted(tmp_path, recipe.with_values(train={"learning_rate": 0.02}), engine, rows)
    second, _ = fitted(tmp_path, recipe.with_values(lora={"start_from": str(first.adapter)}), engine, rows)
    before, after = first.read(), second.read()
    assert before.best and before.base_eval_loss and after.base_eval_loss
    assert after.base_eval_loss == pytest.approx(before.best.eval_loss, abs=1e-5)
    assert after.base_eval_loss < before.base_eval_loss - 0.01


def test_start_from_an_adapter_of_another_shape_is_told(tmp_path: Path, recipe: Recipe, engine: Engine) -> None:
    first, _ = fitted(tmp_path, recipe.with_values(lora={"r": 4}), engine)
    with pytest.raises(UserError, match="has r = 4"):
        fitted(tmp_path, recipe.with_values(lora={"start_from": str(first.adapter)}), engine)
    with pytest.raises(UserError, match="there is no adapter there"):
        fitted(tmp_path, recipe.with_values(lora={"start_from": str(tmp_path)}), engine)


def test_layers_that_the_model_has_not_are_told(tmp_path: Path, recipe: Recipe, engine: Engine) -> None:
    with pytest.raises(UserError, match="has no such layers"):
        fitted(tmp_path, recipe.with_values(lora={"target_modules": ["query"]}), engine)


@pytest.mark.parametrize("family", ["qwen2.5", "qwen3", "qwen3.5"])
def test_packed_samples_do_not_see_each_other_but_for_layers_that_carry_a_state(
    tmp_path: Path, recipe: Recipe, engine: Engine, family: Family, caplog: pytest.LogCaptureFixture
) -> None:
    """What the trainer makes of a packed row, by the model; why packing is refused for the last one."""
    name = str(small_model(tmp_path / "model", family))
    recipe = recipe.with_values(model={"name": name}, train={"packing": True}, data={"max_length": 128})
    rows = Rows(random_rows(8, longest=40), None)
    loaded = load(recipe, engine)
    run = Run.create(tmp_path, recipe, "test")
    with Output() as output:
        progress = Progress(output)
        callback = RunCallback(run, loaded, progress, Samples(run, recipe, progress))
        made = trainer.make_trainer(run.folder, recipe, loaded, rows, callback, 2, fresh=True)
    batch = next(iter(made.get_train_dataloader()))
    batch.pop("labels")
    samples = [index for index, position in enumerate(batch["position_ids"][0].tolist()) if position == 0]
    assert len(samples) > 2
    loaded.model.eval()
    with torch.no_grad():
        packed = loaded.model(**batch).logits[0]
        begin, end = samples[1], samples[2]
        alone = loaded.model(input_ids=batch["input_ids"][:, begin:end]).logits[0]
    assert torch.allclose(packed[begin:end], alone, atol=1e-3) == (family != "qwen3.5")
    assert "contamination" not in caplog.text, "TRL's doubts are settled here"
