"""Files of a run's adapter and of its newest checkpoint, damaged: a sentence, or the same run from the one before."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from qwenlab.runs import Run, Status, list_runs
from tests.faults.damage import DAMAGES, damage
from tests.faults.group import Attempt, LostError
from tests.faults.groups.trainings_killed import SHAPES, SHORT, outcome_of
from tests.faults.outcome import lost_where_different
from tests.faults.verbs import Verbs

TITLE = "weights damaged"
PROMISE = "Of a checkpoint, the one before is used and told, and it is the same run; of an adapter, a sentence says so."
ALL = 90
FIRST = 2

ADAPTER = ("adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja")
VERBS = (
    ("evaluate", ["last", "--suite", "tiny", "--limit", "2", "--set", "evaluate.max_new_tokens=8"]),
    ("export", ["last", "--to", "adapter"]),
    ("train", ["--start-from", "last"]),
    ("export", ["last", "--to", "merged"]),
)


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Files of the newest checkpoint and of the adapter in turns, each kind of damage once for each of them."""
    with Verbs(folder / "logs") as verbs:
        settings = [part for setting in (*SHORT, *SHAPES["validated"]) for part in ("--set", setting)]
        verbs.run("train", ["recipes/tiny.toml", *settings, "--runs", folder / "whole"])
        (whole,) = list_runs(folder / "whole")
        checkpoint = whole.checkpoints[-1]
        files = sorted(path.name for path in checkpoint.iterdir() if path.name != "README.md")
        kinds = list(DAMAGES)
        for number in range(count):
            kind, turn = kinds[number // 2 % len(kinds)], number // 2 // len(kinds)
            runs = folder / str(number)
            if number % 2 == 0:
                name = files[(number // 2 + turn) % len(files)]
                check = partial(_checkpoint_damaged, verbs, whole, runs, name, kind)
                yield Attempt(f"{checkpoint.name}/{name} {kind}", check)
            else:
                name = ADAPTER[turn % len(ADAPTER)]
                check = partial(_adapter_damaged, verbs, whole, runs, name, kind, number)
                yield Attempt(f"adapter/{name} {kind}", check)


def _checkpoint_damaged(verbs: Verbs, whole: Run, runs: Path, name: str, kind: str) -> None:
    """As if it was killed before its delivery, and a file of the newest checkpoint was damaged then."""
    run = Run(shutil.copytree(whole.folder, runs / whole.name))
    run.update(status=Status.running, finished=None)
    shutil.rmtree(run.adapter)
    newest = run.checkpoints[-1]
    damage(newest / name, kind)
    ended = verbs.run("train", ["--resume", "last", "--runs", runs])
    if ended.code != 0:
        raise LostError(f"it does not go on: {ended.said[-500:]}")
    lost_where_different(outcome_of(run), outcome_of(whole))
    # One whose last file cannot be read was never written to its end; one whose seal is gone is whole all the same.
    told = f"{newest.name} cannot be used" in ended.said
    if not told and name not in ("trainer_state.json", "sealed.json"):
        raise LostError("it was not said")
    shutil.rmtree(runs)


def _adapter_damaged(verbs: Verbs, whole: Run, runs: Path, name: str, kind: str, number: int) -> None:
    run = Run(shutil.copytree(whole.folder, runs / whole.name))
    damage(run.adapter / name, kind)
    verb, arguments = VERBS[number // 2 % len(VERBS)]
    out = ["--out", runs / "out"] if verb == "export" else []
    ended = verbs.run(verb, [*arguments, *out, "--runs", runs])
    if ended.code not in (0, 2) or "Traceback" in ended.said:
        raise LostError(f"{verb} ended with {ended.code}: {ended.said[-400:]}")
    shutil.rmtree(runs)
