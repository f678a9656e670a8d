"""What the trainer does at each step, as events: the curve, the best adapter, spikes, stops."""

import math
import statistics
import time
from collections import deque
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_utils import rotate_checkpoints

from qwenlab.errors import UserError
from qwenlab.files import open_to_readers
from qwenlab.runs.checkpoint import is_sealed, seal, step_of
from qwenlab.runs.events import Best, Checkpoint, Note, StatusChange, Train, Validation
from qwenlab.runs.progress import Progress
from qwenlab.runs.record import Score, Status
from qwenlab.runs.run import Run
from qwenlab.text import time_left
from qwenlab.training.distributed import any_of_all, world
from qwenlab.training.load import LoadedModel
from qwenlab.training.memory import peak_memory_gb
from qwenlab.training.samples import Samples

SPIKE_WINDOW = 50
SPIKE_FACTOR = 1.5
SPIKE_MINIMUM = 10
SPIKE_RISE = 0.1
"""A loss above `SPIKE_FACTOR` times the median of the last `SPIKE_WINDOW` points is a spike. Fewer points than
`SPIKE_MINIMUM` say nothing about what is usual, the less so as the loss falls steeply at the start; and a rise of less
than `SPIKE_RISE` nats is the usual difference of batches where the loss has come near zero: on the bundled model,
whose loss goes below 0.01, every fifth step would be a spike."""


class RunCallback(TrainerCallback):  # type: ignore[misc]
    """Writes the run's events and record, keeps the best adapter, and ends the training when it is asked to."""

    def __init__(self, run: Run, loaded: LoadedModel, progress: Progress, samples: Samples) -> None:
        self.run = run
        self.log = run.log
        self.loaded = loaded
        self.progress = progress
        self.samples = samples
        self.stop_requested = False
        self.has_learned = False
        """Whether a step was made whose learning rate was above zero."""
        self._stopping = False
        self._losses: deque[float] = deque(maxlen=SPIKE_WINDOW)
        self._last_finite_step = 0
        self._pace = _Pace()

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # A run that was killed after its last checkpoint has no step left to make; nor has one that early stopping had
        # ended, unless it was extended since.
        early = control.should_training_stop and self.run.read().early_stopped
        control.should_training_stop = early or state.global_step >= state.max_steps
        self.run.update(total_steps=state.max_steps, step=state.global_step, early_stopped=early)
        checkpoint = self.run.folder / f"checkpoint-{state.global_step}"
        if any_of_all(checkpoint.exists() and not is_sealed(checkpoint)):  # killed before, or of an earlier edition
            if world().is_first:
                rotate_checkpoints(args.output_dir, args.save_total_limit, state.best_model_checkpoint, use_mtime=True)
            self.on_save(args, state, control)
        self.progress.start("step", state.max_steps, state.global_step)
        self._last_finite_step = state.global_step
        self.samples.begin(state.global_step)
        self._pace.restart(state)

    def on_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any, **_: Any) -> None:
        rates = [group["lr"] for group in optimizer.param_groups]
        if max(rates) > 0 and not getattr(optimizer, "step_was_skipped", False):  # as float16 does after an overflow
            self.has_learned = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._pace.step(state)
        # The loss since the last point of the curve is in no checkpoint: a resumed run would lose it.
        control.should_log = control.should_log or control.should_save
        # Of several processes, all stop after the same step: the others would wait for one that stopped alone.
        self.stop_requested = any_of_all(self.stop_requested or self.run.stop_file.exists())
        if self.stop_requested:
            if not self._stopping:
                self._stopping = True
                self.run.update(status=Status.stopping)
                self.log.write(StatusChange(step=state.global_step, status=Status.stopping))
            # Logged too, so that the curve ends where the checkpoint stands.
            control.should_log = control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" not in logs:
            return
        step, loss = state.global_step, float(logs["loss"])
        samples = args.train_batch_size * args.gradient_accumulation_steps * args.world_size
        event = Train(
            step=step,
            epoch=round(logs["epoch"], 4),
            loss=loss,
            learning_rate=logs["learning_rate"],
            grad_norm=float(logs["grad_norm"]) if "grad_norm" in logs else None,
            samples_per_second=self._pace.per_second(samples),
            tokens_per_second=self._pace.tokens_per_second(),
            gpu_memory_gb=peak_memory_gb(),
            eta_s=self._pace.seconds_left(state),
        )
        self.log.write(event)
        left = time_left(event.eta_s) if step < state.max_steps else ""
        self.progress.reach(step, f"loss {loss:.4f}", f"{event.tokens_per_second:,.0f} tokens/s", left)
        self._watch(step, loss)
        self._pace.restart(state)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], **_: Any) -> None:
        step, loss = state.global_step, float(metrics["eval_loss"])
        self.log.write(Validation(step=step, eval_loss=loss))
        when = f"step {step}/{state.max_steps}" if step else "before training"
        self.progress.note(f"{when}  validation loss {loss:.4f}")
        if step == 0:
            self.run.update(base_eval_loss=loss)
        # The trainer compares with its own best only after this call, so `best_metric` is still the one before.
        elif state.best_metric is None or loss < state.best_metric:
            self._save_best(Score(step=step, eval_loss=loss))
        if control.should_training_stop and step < state.max_steps and not self.stop_requested:
            control.should_save = True
            self.run.update(early_stopped=True)
            patience = self.run.recipe.train.early_stopping_patience
            text = f"stopped early: {patience} validations in a row without improvement"
            self.log.write(Note(step=step, about="early_stopping", text=text))
            self.progress.note(text)
        last = control.should_training_stop or step >= state.max_steps
        self.samples.ask(self.loaded, step, last=last)
        self._pace.restart(state)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        folder = self.run.folder / f"checkpoint-{state.global_step}"
        any_of_all(False)  # every process has written its part
        if world().is_first:
            open_to_readers(folder)
            seal(folder)
        self.log.write(Checkpoint(step=state.global_step, folder=folder.name))
        self.run.update(step=state.global_step)
        self._pace.restart(state)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.run.update(step=state.global_step)
        self.progress.end()
        self.samples.tell()

    def _save_best(self, score: Score) -> None:
        if world().is_first:
            self.loaded.save_adapter(self.run.best)
        self.run.update(best=score)
        self.log.write(Best(step=score.step, eval_loss=score.eval_loss))

    def _watch(self, step: int, loss: float) -> None:
        """Note spikes and infinities; end the run at NaN, since nothing that follows it can be good.

        Raises:
            UserError: the loss is not a number.
        """
        if math.isnan(loss):
            self.log.write(Note(step=step, about="nan", text="the loss is not a number"))
            good = [path for path in self.run.checkpoints if step_of(path) <= self._last_finite_step]
            raise UserError(
                f"The loss became NaN at step {step}. "
                + (f"The last good checkpoint is {good[-1]}." if good else "There is no checkpoint from before it."),
                'Lower train.learning_rate, or set model.dtype = "bfloat16" where the GPU has it.',
            )
        if math.isinf(loss):
            text = "the loss is infinite"
            self.log.write(Note(step=step, about="infinite_loss", text=text))
            self.progress.note(f"step {step}: {text}")
            return
        median = statistics.median(self._losses) if len(self._losses) >= SPIKE_MINIMUM else math.inf
        if loss > max(SPIKE_FACTOR * median, median + SPIKE_RISE):
            text = f"loss spike: {loss:.3f}, {loss / median:.1f} times the usual {median:.3f}"
            self.log.write(Note(step=step, about="spike", loss=loss, median=median, text=text))
            self.progress.note(f"step {step}: {text}")
        self._losses.append(loss)
        self._last_finite_step = step


class _Pace:
    """Speed since the last point of the curve, without the time that validation and saving took in between."""

    def __init__(self) -> None:
        self._steps_per_second = 0.0
        self._begun = (time.monotonic(), 0, 0)
        self._now = self._begun

    def restart(self, state: Any) -> None:
        self._begun = self._now = (time.monotonic(), state.global_step, state.num_input_tokens_seen)

    def step(self, state: Any) -> None:
        self._now = (time.monotonic(), state.global_step, state.num_input_tokens_seen)
        rate = self._steps() / max(self._seconds(), 1e-9)
        # Smoothed over about ten points, so that the time left does not jump about.
        self._steps_per_second += (rate - self._steps_per_second) * (0.1 if self._steps_per_second else 1.0)

    def per_second(self, samples_per_step: int) -> float:
        return round(self._steps() * samples_per_step / max(self._seconds(), 1e-9), 3)

    def tokens_per_second(self) -> float:
        return round((self._now[2] - self._begun[2]) / max(self._seconds(), 1e-9), 1)

    def seconds_left(self, state: Any) -> float | None:
        left = state.max_steps - state.global_step
        return round(left / self._steps_per_second, 1) if self._steps_per_second else None

    def _steps(self) -> int:
        return self._now[1] - self._begun[1]

    def _seconds(self) -> float:
        return self._now[0] - self._begun[0]
