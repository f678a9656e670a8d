"""The functions of `import qwenlab`: the jobs of the command line, for a notebook or a program of one's own.

Each stands there by its name: `import qwenlab as ql`, then `ql.train`, `ql.evaluate` and so on.

What takes the GPU (`train`, `evaluate`, `export`, `plan`) runs in a process of its own, as it does from the browser, by
the command that a terminal would take. So the kernel keeps its memory, libraries may have been imported in any order,
an out-of-memory kill leaves the notebook alive, and answers are never computed by what Unsloth has patched. Ctrl-C (a
notebook's stop button) asks the process to save and stop.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qwenlab.credentials import environment
from qwenlab.jobs import judge as judging
from qwenlab.jobs import prefer as preferring
from qwenlab.jobs import prepare as preparing
from qwenlab.jobs import weigh as weighing
from qwenlab.recipe import Recipe, recipe_toml
from qwenlab.report.schema import Report, read_report
from qwenlab.runs import Evaluation, Run, list_evaluations, list_runs
from qwenlab.runs.follow import OnEvent, check_exit, follow, follow_training
from qwenlab.runs.launch import Launch, launch
from qwenlab.runs.plan import PlanRecord

if TYPE_CHECKING:
    from qwenlab.evaluation.programs.results import JudgeReport
    from qwenlab.jobs.prepare import Prepared
    from qwenlab.report.preference import Preferred
    from qwenlab.report.weighed import Weighed


def prepare(recipe: Recipe, *, against: Path | str | None = None) -> "Prepared":
    """Look at the recipe's data as training will see it.

    Args:
        recipe: its `[data]` and its model's tokenizer are what counts.
        against: a file or folder whose texts, such as evaluation problems, are looked for in the data.

    Returns:
        The conversations to train on and to validate on, a report of what each rule dropped, token lengths, and a
        preview of some rows with what is in the loss.

    Raises:
        UserError: the data cannot be read, or no row is left.

    Example:
        >>> data = ql.prepare(ql.load_recipe("tiny"))
        >>> data.report.rows_kept
        2000
    """
    return preparing.prepare(recipe, Path(against) if against else None)


def plan(recipe: Recipe, *, runs: Path | str = "runs") -> PlanRecord:
    """What a training of the recipe would be on this machine: rows, steps, tokens, memory in GB (10^9 bytes), engine.

    Nothing is loaded or trained. `print` shows it a line a fact.

    Args:
        recipe: what would be trained.
        runs: the folder of all runs, as for `train`.

    Returns:
        The plan: `steps`, `tokens`, `train_rows`, `memory` by part and its `verdict` ("fits", "tight" or "will not
        fit"; empty without a GPU), and `notes` on what this machine does otherwise than the recipe says.

    Raises:
        UserError: the recipe cannot be carried out here, or its data cannot be read.

    Example:
        >>> ql.plan(ql.load_recipe("tiny", {"train.max_steps": 24})).steps
        24
    """
    with _as_file(recipe, "recipe") as file, tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "plan.json"
        command = [sys.executable, "-m", "qwenlab.train", str(file), "--dry-run", "--plan", str(found)]
        command += ["--runs", str(runs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment("train"))
        check_exit(done.returncode, done.stderr)
        return PlanRecord.read(found)


def train(
    recipe: Recipe,
    *,
    runs: Path | str = "runs",
    name: str = "run",
    start_from: Run | None = None,
    on_event: OnEvent | None = None,
) -> Run:
    """Fine-tune a LoRA adapter by the recipe, on the GPU with Unsloth or on any CPU.

    Args:
        recipe: the whole job; the run keeps a copy as recipe.toml.
        runs: the folder of all runs; the new one is made in it.
        name: what the run is called after its date and time, such as `20261122-153012-name`.
        start_from: a run whose adapter the new one begins with.
        on_event: called with each event as it happens, a record with its `kind`, `step` and `time`: `train` (`loss`,
            `learning_rate`, `tokens_per_second`, `eta_s`, ...), `eval` (`eval_loss`), `checkpoint`, `best`, `status`
            or `note`. Without it, what the command line prints is printed.

    Returns:
        The run: its `adapter`, `events`, `recipe` and record (`read()`). `status` is `finished`, or `stopped` after
        Ctrl-C, which saves a checkpoint first: `resume` goes on from it.

    Raises:
        UserError: something in the way that the user can fix. The run, if there is one yet, is marked as failed.
        RuntimeError: a fault of the program; the traceback is in the run's log.txt.

    Example:
        >>> run = ql.train(ql.load_recipe("tiny", {"train.max_steps": 24}))
        >>> run.status
        <Status.finished: 'finished'>
    """
    begin = ["--start-from", str(start_from.folder)] if start_from else []
    with _as_file(recipe, name) as file:
        return follow_training([str(file), *begin], Path(runs), on_event)


def resume(run: Run, *, force: bool = False, on_event: OnEvent | None = None) -> Run:
    """Go on with a run that was stopped or lost, by the same recipe, from its last checkpoint.

    Args:
        run: one of `runs()`, or what `train` returned.
        force: go on though versions, data or model are not what the run began with.
        on_event: as for `train`.

    Returns:
        The same run, finished or stopped again.

    Raises:
        UserError: as `train`; or it is finished, or has changed.

    Example:
        >>> run = ql.resume(ql.runs()[-1])
    """
    return follow_training(["--resume", str(run.folder), *(["--force"] if force else [])], run.folder.parent, on_event)


def extend(
    run: Run,
    *,
    max_steps: int | None = None,
    num_train_epochs: float | None = None,
    force: bool = False,
    on_event: OnEvent | None = None,
) -> Run:
    """Go on from a run's end up to so many steps, or epochs, in all.

    Args:
        run: one that has finished or stopped.
        max_steps: steps in all, those that are done included.
        num_train_epochs: epochs in all.
        force: as for `resume`.
        on_event: as for `train`.

    Returns:
        The same run.

    Raises:
        UserError: as `resume`; or neither length is given.

    Example:
        >>> run = ql.extend(run, max_steps=48)
    """
    lengths = {"train.max_steps": max_steps, "train.num_train_epochs": num_train_epochs}
    settings = [f"--set={key}={value}" for key, value in lengths.items() if value is not None]
    arguments = ["--extend", str(run.folder), *settings, *(["--force"] if force else [])]
    return follow_training(arguments, run.folder.parent, on_event)


def evaluate(
    run: Run,
    *,
    suites: Sequence[str] | None = None,
    problems: Path | str | None = None,
    limit: int | None = None,
    samples: int | None = None,
    settings: Mapping[str, Any] | None = None,
    noise_floor: bool = False,
    endpoint: str | None = None,
    base_model: str | None = None,
    tuned_model: str | None = None,
    resume: bool = False,
    rejudge: bool = False,
) -> Report:
    """Did the training help, did it forget? Base and tuned are asked the same, and the difference is weighed.

    Args:
        run: one that has delivered an adapter.
        suites: instead of the recipe's: `["held_out", "gsm8k"]`; `"gsm8k=test.jsonl"` takes the items from a file.
        problems: contest problems alone: a .jsonl or .parquet file, a hub data set, or `tiny`.
        limit: how many items of each suite, drawn by the recipe's seed; 0: all.
        samples: answers an item and model, for pass@k.
        settings: other settings of the recipe, such as `{"evaluate.temperature": 0.8}`.
        noise_floor: let the base answer twice, to see what flips by itself.
        endpoint: address of an OpenAI-compatible server that answers, such as `http://127.0.0.1:8000/v1`.
        base_model: what that server calls the base.
        tuned_model: what that server calls the run's adapter.
        resume: go on with the evaluation that was stopped or lost.
        rejudge: judge the newest evaluation's answers again, without new ones.

    Returns:
        The report; `report.sentence` is the answer, `report.suites["gsm8k"]` has a suite's verdict, figures and every
        item with both answers. The same is in the run's folder as report.html, report.md and report.json.

    Raises:
        UserError: something in the way that the user can fix.
        KeyboardInterrupt: it was stopped; what is done is kept, and `resume=True` goes on.

    Example:
        >>> print(ql.evaluate(run, suites=["tiny"], limit=50).sentence)
        Improved: 4 to 38 of 50, +850 % relative, p < 0.0001
    """
    given = {
        "--suite": ",".join(suites) if suites else None,
        "--problems": problems,
        "--limit": limit,
        "--samples": samples,
        "--endpoint": endpoint,
        "--base-model": base_model,
        "--tuned-model": tuned_model,
    }
    flags = {"--noise-floor": noise_floor, "--resume": resume, "--rejudge": rejudge}
    arguments = [str(run.folder), "--runs", str(run.folder.parent)]
    arguments += [part for option, value in given.items() if value is not None for part in (option, str(value))]
    arguments += [f"--set={key}={_toml(value)}" for key, value in (settings or {}).items()]
    arguments += [flag for flag, chosen in flags.items() if chosen]
    launched = launch(run.folder.parent, "evaluate", arguments, f"evaluate-{run.name}")

    def error() -> str | None:
        failed = _evaluation(run, launched)
        return failed.read().error if failed else None

    follow(launched, lambda text: print(text, end="", flush=True), error)
    found = _evaluation(run, launched)
    if found is None or not found.report_file.exists() or found.read().status == "stopped":
        raise KeyboardInterrupt
    return read_report(found.report_file)


def export(
    run: Run,
    *,
    to: str,
    out: Path | str,
    dtype: str = "auto",
    llama_cpp: Path | str | None = None,
) -> Path:
    """Take the adapter away into a new folder, checked to answer as the adapter does.

    Args:
        run: one that has delivered an adapter.
        to: `adapter`, `merged`, `gguf` or `ollama`; to the hub, use the command.
        out: a folder that is not there yet; written under another name and moved in place at the end.
        dtype: precision of merged weights: `auto`, `float16` or `bfloat16`.
        llama_cpp: llama.cpp's repository, for GGUF and Ollama.

    Returns:
        The folder.

    Raises:
        UserError: it cannot be written, or does not answer as the adapter does.

    Example:
        >>> ql.export(run, to="merged", out="my-model")
        PosixPath('my-model')
    """
    options = ["--to", to, "--out", str(out), "--dtype", dtype, "--runs", str(run.folder.parent)]
    options += ["--llama-cpp", str(llama_cpp)] if llama_cpp else []
    launched = launch(run.folder.parent, "export", [str(run.folder), *options], f"export-{run.name}")
    follow(launched, lambda text: print(text, end="", flush=True))
    return Path(out)


def judge(
    problems: Path | str, solutions: Path | str, *, all_tests: bool = False, limit: int | None = None
) -> "JudgeReport":
    """Run programs on every test of their problems, in the sandbox, which is self-tested first.

    Args:
        problems: a .jsonl file of problems with their tests.
        solutions: a .jsonl file with lines of `{"name", "solution"}`.
        all_tests: go on after a test that was not accepted.
        limit: judge only the first programs.

    Returns:
        The verdict of each program, with the tests that failed, and the judge's self-test.

    Raises:
        UserError: a file cannot be read, or this machine has no sandbox that passed its self-test.
    """
    return judging.judge(Path(problems), Path(solutions), all_tests=all_tests, limit=limit)


def weigh(
    base: Path | str,
    tuned: Path | str | None = None,
    *,
    score: str | None = None,
    base_column: str | None = None,
    tuned_column: str | None = None,
    id_column: str | None = None,
) -> "Weighed":
    """Compare two models by any two files of per-item results, whoever wrote them.

    Items are matched by their names, and by their content where the files tell it. Several answers to an item, such as
    Inspect's epochs, are averaged.

    Args:
        base: lm-eval's `samples_*.jsonl`, a log of Inspect, a report of `evaluate` or `judge`, or a table.
        tuned: the other model's results on the same items; None: `base` has both sides.
        score: which score of both files, where there are several: `exact_match,strict-match`, a scorer, a column.
        base_column: the base's score, where the two have different names, or stand in one file.
        tuned_column: the tuned model's.
        id_column: of tables, the column that names the items.

    Returns:
        The answer in `sentence`, its figures in `comparison`, the items `gained` and `lost`, and in `notes` what has to
        be known of it.

    Raises:
        UserError: a file cannot be read, has no such score, or belongs to another task.

    Example:
        >>> ql.weigh("base.jsonl", "tuned.jsonl").sentence
        'Improved: 0 to 10 of 60, p = 0.002'
    """
    return weighing.weigh(
        Path(base),
        Path(tuned) if tuned else None,
        score=score,
        base_column=base_column,
        tuned_column=tuned_column,
        id_column=id_column,
    )


def prefer(run: Run, url: str, model: str | None = None, *, suite: str | None = None, limit: int = 0) -> "Preferred":
    """Ask a judge model which answers it prefers, base or tuned, beside your own blind votes.

    An opinion and no measurement. Each pair is asked about in both orders; what was said is kept in the run's folder
    and not asked again. What the command line prints is printed.

    Args:
        run: one with an evaluation whose answers are free text, or with blind votes (`qwenlab compare RUN --blind`).
        url: address of an OpenAI-compatible server; its key is taken from OPENAI_API_KEY.
        model: which of its models is the judge; None: the only one.
        suite: judge this suite's answers; None: the free text of all suites, which nothing else can score.
        limit: only the first pairs of each suite; 0: all.

    Returns:
        By suite the figures and each pair's outcome in `suites`, the `agreement` with your votes, and in `notes` what
        has to be known of it.

    Raises:
        UserError: there is nothing to judge, the server cannot be asked, or another process is at it.

    Example:
        >>> found = ql.prefer(run, "http://127.0.0.1:8000/v1")
        >>> found.suites["held_out"].figures.wins
        40
    """
    return preferring.prefer(run, url, model, suite=suite, limit=limit)


def runs(folder: Path | str = "runs") -> list[Run]:
    """All runs in the folder, oldest first; none where there is no such folder.

    Args:
        folder: where `train` made them.

    Example:
        >>> [(run.name, run.status) for run in ql.runs()]
    """
    return list_runs(Path(folder))


def _evaluation(run: Run, launched: Launch) -> Evaluation | None:
    """The evaluation that the process worked on."""
    pid = launched.read().pid
    return next((each for each in reversed(list_evaluations(run)) if not each.fault and each.read().pid == pid), None)


@contextmanager
def _as_file(recipe: Recipe, name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.toml"
        file.write_text(recipe_toml(recipe), encoding="utf-8")
        yield file


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
