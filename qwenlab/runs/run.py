"""One run's folder: its names, its record, its lock."""

import re
from datetime import UTC, datetime
from pathlib import Path

from qwenlab.errors import UserError, refused
from qwenlab.files import write_atomically
from qwenlab.recipe import Recipe, read_recipe, recipe_toml
from qwenlab.runs import checkpoint
from qwenlab.runs.drift import Drift
from qwenlab.runs.events import Event, EventLog, read_events
from qwenlab.runs.job_folder import JobFolder
from qwenlab.runs.record import RunRecord
from qwenlab.runs.samples import Sample, SamplePrompts, read_samples


class Run(JobFolder[RunRecord]):
    """A run's folder, to write to (by its own process) or to read from (by everybody).

    Attributes:
        name: of the folder, such as `20261122-153012-tiny`.
        folder: where everything about the run is.
        status: how it stands now; `lost` where its process is gone.
        recipe: what it trains, complete.
        events: what happened, in order: records with `time`, `kind` and `step`, such as `train` with its `loss`.
        adapter: the folder that the run delivers, which plain peft loads.
        samples: what it answered the same held-out prompts along the training: records with `step` and `answers`.
        sample_prompts: those prompts, with the data's own answers; None where nothing was asked.
        drift: how far the adapter has moved the model on neutral conversations; None where that was not measured.
        best: the adapter at the lowest validation loss so far.
        checkpoints: folders from which a training resumes, earliest first.
        log_file: what the process said, tracebacks included.

    `read()` gives the record: times, versions, hardware, the best validation loss (`best.eval_loss`, `best.step`), the
    one before the training (`base_eval_loss`), and the error of a run that failed.

    Example:
        >>> run = ql.runs()[-1]
        >>> run.read().best.eval_loss
        0.0199
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "run.json", RunRecord)
        self.recipe_file = folder / "recipe.toml"
        self.events_file = folder / "events.jsonl"
        self.log_file = folder / "log.txt"
        self.data_file = folder / "data.json"
        self.drift_file = folder / "drift.json"
        self.sample_prompts_file = folder / "sample_prompts.json"
        self.samples_file = folder / "samples.jsonl"
        self.best = folder / "best"
        self.adapter = folder / "adapter"

    @classmethod
    def create(cls, runs: Path, recipe: Recipe, name: str) -> "Run":
        """A new folder `runs/20261122-153012-name` with the recipe in it."""
        now = datetime.now(UTC).astimezone()
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run"
        folder = _new_folder(runs, f"{now:%Y%m%d-%H%M%S}-{slug}")
        run = cls(folder)
        run.write_recipe(recipe)
        run.write(RunRecord(created=now))
        return run

    @property
    def fault(self) -> str:
        """Why the recipe or the record cannot be read, as a sentence; empty where both can."""
        try:
            read_recipe(self.recipe_file)
        except UserError as error:
            return error.message
        return super().fault

    @property
    def recipe(self) -> Recipe:
        """The recipe as it was resolved when the run began."""
        return read_recipe(self.recipe_file)

    def write_recipe(self, recipe: Recipe) -> None:
        """Store the resolved recipe, complete; running that file is the same run again."""
        header = f"# {self.name}, complete. The same run again:\n#   python -m qwenlab.train {self.recipe_file}\n\n"
        write_atomically(self.recipe_file, header + recipe_toml(recipe))

    @property
    def log(self) -> EventLog:
        """To append events; only for the process that holds the run."""
        return EventLog(self.events_file)

    @property
    def events(self) -> list[Event]:
        """What happened, in order; without what a resumed run has done again."""
        return read_events(self.events_file)

    @property
    def drift(self) -> Drift | None:
        """How far the delivered adapter has moved the model; None where that was not measured.

        Raises:
            UserError: drift.json cannot be read.
        """
        return Drift.read(self.drift_file) if self.drift_file.exists() else None

    @property
    def sample_prompts(self) -> SamplePrompts | None:
        """The held-out prompts that are asked at each validation; None where nothing is asked.

        Raises:
            UserError: sample_prompts.json cannot be read.
        """
        return SamplePrompts.read(self.sample_prompts_file) if self.sample_prompts_file.exists() else None

    @property
    def samples(self) -> list[Sample]:
        """What the model answered them, in the order of the steps.

        Raises:
            UserError: a whole line of samples.jsonl is no sample.
        """
        return read_samples(self.samples_file)

    @property
    def checkpoints(self) -> list[Path]:
        """Complete checkpoints, earliest first. The trainer writes trainer_state.json last."""
        return checkpoint.complete(self.folder)


def find_run(runs: Path, name: str) -> Run:
    """The run that `name` means: a folder's path, a name in `runs`, an unambiguous part of one, or `last`.

    Raises:
        UserError: none or several match; the nearest are named.
    """
    for folder in (Path(name), runs / name):
        if (folder / "run.json").exists():
            return Run(folder)
    known = list_runs(runs)
    if name == "last" and known:
        return known[-1]
    matches = [run for run in known if name in run.name]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(run.name for run in (matches or known)[-5:])
    if matches:
        raise UserError(f"{name} could be any of {names}.", "Write more of the name.")
    raise UserError(f"There is no run {name} in {runs}.", f"The latest are: {names}." if names else "It has none yet.")


def list_runs(runs: Path) -> list[Run]:
    """All runs in the folder, oldest first, whether or not they can be read."""
    return [Run(path.parent) for path in sorted(runs.glob("*/run.json"))]


def _new_folder(runs: Path, name: str) -> Path:
    for number in range(1, 1000):
        folder = runs / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise refused(error, f"The folder {folder} cannot be made", "Choose another with --runs.") from None
        return folder
    raise UserError(f"{runs / name} exists a thousand times over.")
