"""Exporting as a job: the adapter as it is, merged, as GGUF, for Ollama or on the hub, checked against the adapter."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from qwenlab import hub
from qwenlab.credentials import environment
from qwenlab.errors import UserError, refused
from qwenlab.exporting.card import Kind, model_card
from qwenlab.exporting.llama_cpp import BUILD_SERVER, GET_IT, find_llama_cpp, locate_llama_cpp
from qwenlab.exporting.target import Dtype, Job, Target
from qwenlab.files import write_atomically
from qwenlab.runs import Run, find_run, gpu_lock
from qwenlab.runs.forms import check_adapter
from qwenlab.runs.mode import check_mode
from qwenlab.training.engine import set_environment

__all__ = ["Dtype", "Target", "can_check", "export", "find_run", "lacking", "merged_bytes", "upload"]

UNCHECKED_SENTENCE = (
    "Converted, not checked: llama.cpp's llama-server is not here, so the file has not been compared with the adapter. "
    "The merged model that it was made from was."
)
GGUF = "model.gguf"


def lacking(target: Target) -> UserError | None:
    """What this machine lacks for the target, and how to get it; None: nothing. Nothing is started to find out."""
    if target is Target.hub and not environment("export").get(hub.TOKEN_VARIABLE, "").strip():
        hint = (
            "Make a token that may write, on the hub under Settings, Access Tokens. Then start the lab again with "
            "HF_TOKEN set to it."
        )
        return UserError("There is no token for the hub: HF_TOKEN is not set.", hint)
    if target in (Target.gguf, Target.ollama):
        try:
            locate_llama_cpp()
        except UserError as error:
            hint = f"Get it: {GET_IT}\nThen start the lab again with LLAMA_CPP set to that folder's path."
            return UserError(error.message, hint)
    return None


def can_check(target: Target) -> bool:
    """Whether what is made can be compared with the adapter here: llama.cpp's server is needed to ask a GGUF file."""
    return target not in (Target.gguf, Target.ollama) or locate_llama_cpp().server is not None


def export(
    run: Run,
    target: Target,
    out: Path | None,
    *,
    runs: Path,
    dtype: Dtype = Dtype.auto,
    llama_cpp: Path | None = None,
) -> bool:
    """Export the run's adapter to a new folder; whether it was compared with the adapter.

    Args:
        out: the folder, which is not there yet, or empty.
        runs: the folder of all runs, where the GPU queue is.
        dtype: precision of merged weights; auto: the recipe's, and float16 where that has 32 bits.
        llama_cpp: llama.cpp's repository, for GGUF and Ollama; None: LLAMA_CPP, or what the PATH has.

    Raises:
        UserError: there is no adapter, the folder cannot be written, or what was made does not answer as the adapter.
    """
    _check_adapter(run)
    out = _new(out)
    with_llama = target in (Target.gguf, Target.ollama)
    llama = find_llama_cpp(llama_cpp) if with_llama else None
    job = Job(run, runs, target, dtype, llama, name=out.name)
    with _staged(out) as staged:
        checked = _export(job, staged)
        staged.replace(out)  # onto nothing, or onto an empty folder
    size = sum(path.stat().st_size for path in out.rglob("*"))
    _say(f"{out}  {size / 1e6:,.1f} MB")
    if target is Target.ollama:
        _say(f"Make it known to Ollama: ollama create {out.name} -f {out / 'Modelfile'}")
    if not checked:
        _say(f"To have it checked, build the server and export again: {BUILD_SERVER}")
    return checked


def upload(
    run: Run,
    repo: str,
    *,
    runs: Path,
    merged: bool = False,
    public: bool = False,
    confirmed: bool = False,
    dtype: Dtype = Dtype.auto,
) -> str:
    """Upload the run's adapter, or the merged model, by the token in HF_TOKEN; the address of the repository.

    Args:
        repo: owner/name on the hub.
        confirmed: without it nothing is uploaded, and the error says what would be.

    Raises:
        UserError: it is not confirmed, the hub refuses, or what was made does not answer as the adapter.
    """
    _check_adapter(run)
    hub.check_name(repo)
    job = Job(run, runs, Target.merged if merged else Target.adapter, dtype, None, repo, True)
    where = f"{repo} at {hub.address()}, {'readable by everybody' if public else 'a private repository'}"
    if not confirmed:
        raise UserError(f"Nothing was uploaded. With --yes, this goes to {where}:\n{_uploaded(job)}", "Add --yes.")
    token = hub.read_token()
    hub.check_access(repo, token)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=run.folder) as folder:
        _export(job, Path(folder))
        address = hub.upload(Path(folder), repo, token, public)
    _say(f"Uploaded to {where}: {address}")
    return address


def _say(text: str) -> None:
    print(text, flush=True)


def _check_adapter(run: Run) -> None:
    if not run.adapter.exists():
        raise UserError(f"{run.name} has delivered no adapter yet.", f"python -m qwenlab.train --resume {run.name}")
    check_adapter(run.adapter)
    check_mode(run)


def _new(out: Path | None) -> Path:
    if out is None:
        raise UserError("--out is required.", "Add --out DIR, a folder that is not there yet.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} is there already; it was left as it is.", "Choose another --out, or remove it first.")
    return out.expanduser().resolve()


def _uploaded(job: Job) -> str:
    """The files that an upload would hold, and their sizes."""
    if job.target is Target.merged:
        return f"  the merged model with tokenizer and README.md, about {merged_bytes(job.run) / 1e9:,.2f} GB"
    paths = sorted(path for path in job.run.adapter.iterdir() if path.name != "README.md")
    files = [f"  {path.name}  {path.stat().st_size / 1e3:,.1f} kB" for path in paths]
    return "\n".join([*files, "  README.md, the model card: recipe, results, hash of the data"])


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """A folder beside `out` that is gone in the end, unless it was moved."""
    staged = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(staged, ignore_errors=True)  # of a process that was killed
    try:
        staged.mkdir(parents=True)
    except OSError as error:
        raise refused(error, f"{out} cannot be written", "Choose another --out.") from None
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _export(job: Job, staged: Path) -> bool:
    """Fill the folder, with a model card; whether it was compared with the adapter."""
    _check_space(job, staged)
    set_environment()
    from qwenlab.exporting.make import make

    def waiting(ahead: list[str]) -> None:
        _say(f"waiting for the GPU: {', then '.join(ahead)}")

    with gpu_lock(job.runs, f"export-{job.run.name}", waiting):
        sentence = make(job, staged, _say)
    _say(sentence or UNCHECKED_SENTENCE)
    kind: Kind = "gguf" if job.llama else "adapter" if job.target is Target.adapter else "merged"
    write_atomically(staged / "README.md", model_card(job.run, kind, sentence or UNCHECKED_SENTENCE, job.name))
    return sentence is not None


def _check_space(job: Job, folder: Path) -> None:
    """Raises:
    UserError: what is written would not fit on the disk.
    """
    if job.target is Target.adapter:
        return
    needed = merged_bytes(job.run) * (2 if job.llama else 1)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"The export needs {needed / 1e9:,.1f} GB and {free / 1e9:,.1f} GB are free at {folder.parent}.",
            "Make room, or choose another --out.",
        )


def merged_bytes(run: Run) -> int:
    """What the merged model takes: the base's weights in 16 bits. 0: it is not known."""
    model = run.read().model
    return 2 * (model.parameters - model.trainable_parameters) if model else 0
