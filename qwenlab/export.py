"""Take a trained adapter away: as it is, merged into its base, as GGUF, for Ollama, or to the hub.

    python -m qwenlab.export RUN --to merged --out DIR
    python -m qwenlab.export RUN --to ollama --out DIR --llama-cpp ~/llama.cpp
    python -m qwenlab.export RUN --to hub --repo me/my-adapter --yes

Exit code 0: exported, and it answers as the adapter does; 2: something that you can mend, and nothing was written;
3: converted, but there was nothing here to check it with; 1: a bug.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from qwenlab import cli
from qwenlab.errors import UserError

if TYPE_CHECKING:
    from qwenlab.exporting.card import Kind
    from qwenlab.exporting.llama_cpp import LlamaCpp
    from qwenlab.runs import Run

UNCHECKED = 3
UNCHECKED_SENTENCE = (
    "Converted, not checked: llama.cpp's llama-server is not here, so the file has not been compared with the adapter. "
    "The merged model that it was made from was."
)
GGUF = "model.gguf"


class Target(StrEnum):
    """What an adapter can become."""

    adapter = "adapter"
    merged = "merged"
    gguf = "gguf"
    ollama = "ollama"
    hub = "hub"


class Dtype(StrEnum):
    """Precision of merged weights."""

    auto = "auto"
    float16 = "float16"
    bfloat16 = "bfloat16"


class Job(NamedTuple):
    """What is exported, and how."""

    run: "Run"
    runs: Path
    target: Target
    dtype: Dtype
    llama: "LlamaCpp | None"
    allow_near_ties: bool
    name: str
    """What the export is called in its card."""
    published: bool = False


def main(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, part of its name, or `last`.")],
    to: Annotated[Target, typer.Option(help="What it becomes; hub uploads the adapter, or with --merged the model.")],
    out: Annotated[Path | None, typer.Option(help="The new folder; not for the hub.")] = None,
    dtype: Annotated[
        Dtype, typer.Option(help="Precision of merged weights; auto: the recipe's, and float16 where that has 32 bits.")
    ] = Dtype.auto,
    llama_cpp: Annotated[
        Path | None, typer.Option(metavar="DIR", help="llama.cpp's repository; else LLAMA_CPP, else the PATH.")
    ] = None,
    repo: Annotated[str | None, typer.Option(metavar="OWNER/NAME", help="Where on the hub.")] = None,
    merged: Annotated[bool, typer.Option("--merged", help="Upload the merged model, not the adapter.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Let everybody read what is uploaded.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do upload. Without it, only what would be is said.")] = False,
    allow_near_ties: Annotated[
        bool, typer.Option("--allow-near-ties", help="Accept answers that part only where two tokens nearly tied.")
    ] = False,
    runs: Annotated[Path, typer.Option(help="The folder of all runs.")] = Path("runs"),
) -> None:
    """Export a run's adapter, and check that what is exported answers as the adapter does."""
    from qwenlab.runs import find_run

    found = find_run(runs, run)
    if not found.adapter.exists():
        raise UserError(f"{found.name} has delivered no adapter yet.", f"python -m qwenlab.train --resume {found.name}")
    job = Job(found, runs, to, dtype, None, allow_near_ties, name="")
    if to is Target.hub:
        if out or not repo:
            raise UserError("The hub takes a repository and no folder.", "Add --repo owner/name, and leave --out out.")
        _to_hub(job._replace(target=Target.merged if merged else Target.adapter), repo, public, yes)
        return
    if repo or merged or public or yes:
        raise UserError("--repo, --merged, --public and --yes are for --to hub.", "Leave them out.")
    _to_folder(job, _new(out), llama_cpp)


def _new(out: Path | None) -> Path:
    if out is None:
        raise UserError("Where to?", "Add --out DIR, a folder that is not there yet.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UserError(f"{out} is there already; it was left as it is.", "Choose another --out, or remove it first.")
    return out.expanduser().resolve()


def _to_folder(job: Job, out: Path, llama_cpp: Path | None) -> None:
    if job.target in (Target.gguf, Target.ollama):
        from qwenlab.exporting.llama_cpp import find_llama_cpp

        job = job._replace(llama=find_llama_cpp(llama_cpp))
    job = job._replace(name=out.name)
    with cli.terminated_as_interrupted(), _staged(out) as staged:
        checked = _export(job, staged)
        staged.replace(out)  # onto nothing, or onto an empty folder
    size = sum(path.stat().st_size for path in out.rglob("*"))
    typer.echo(f"{out}  {size / 1e6:,.1f} MB")
    if job.target is Target.ollama:
        typer.echo(f"Make it known to Ollama: ollama create {out.name} -f {out / 'Modelfile'}")
    if not checked:
        from qwenlab.exporting.llama_cpp import BUILD_SERVER

        typer.echo(f"To have it checked, build the server and export again: {BUILD_SERVER}")
        raise typer.Exit(UNCHECKED)


def _to_hub(job: Job, repo: str, public: bool, yes: bool) -> None:
    from qwenlab.hub import address, check_access, check_name, read_token, upload

    check_name(repo)
    where = f"{repo} at {address()}, {'readable by everybody' if public else 'a private repository'}"
    if not yes:
        raise UserError(f"Nothing was uploaded. With --yes, this goes to {where}:\n{_uploaded(job)}", "Add --yes.")
    token = read_token()
    check_access(repo, token)
    job = job._replace(name=repo, published=True)
    with cli.terminated_as_interrupted(), tempfile.TemporaryDirectory(prefix=".export-", dir=job.run.folder) as folder:
        _export(job, Path(folder))
        page = upload(Path(folder), repo, token, public)
    typer.echo(f"Uploaded to {where}: {page}")


def _uploaded(job: Job) -> str:
    """The files that an upload would hold, and their sizes."""
    if job.target is Target.merged:
        return f"  the merged model with tokenizer and README.md, about {_merged_bytes(job.run) / 1e9:,.2f} GB"
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
        raise UserError(f"{out} cannot be written: {error.strerror}.", "Choose another --out.") from None
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _export(job: Job, staged: Path) -> bool:
    """Fill the folder; whether it was checked.

    Raises:
        UserError: it does not answer as the adapter does, or something on the way cannot be done.
    """
    from qwenlab.exporting.card import model_card
    from qwenlab.files import write_atomically
    from qwenlab.runs import gpu_lock

    _check_space(job, staged)

    def waiting(ahead: list[str]) -> None:
        typer.echo(f"waiting for the GPU: {', then '.join(ahead)}")

    with gpu_lock(job.runs, f"export-{job.run.name}", waiting):
        sentence = _adapter(job, staged) if job.target is Target.adapter else _model(job, staged)
    typer.echo(sentence or UNCHECKED_SENTENCE)
    kind: Kind = "gguf" if job.llama else "adapter" if job.target is Target.adapter else "merged"
    write_atomically(staged / "README.md", model_card(job.run, kind, sentence or UNCHECKED_SENTENCE, job.name))
    return sentence is not None


def _adapter(job: Job, staged: Path) -> str:
    from qwenlab.training import choose_engine

    settings = job.run.recipe.model.model_copy(update={"engine": "transformers"})
    engine = choose_engine(settings)
    from qwenlab.exporting.equivalence import Reference
    from qwenlab.exporting.merge import copy_adapter

    reference = Reference(job.run.recipe, settings, engine, job.run.adapter, job.allow_near_ties)
    model = job.run.read().model
    local = model is not None and model.revision is None
    copy_adapter(job.run.adapter, staged, Path(settings.name).name if local and job.published else None)
    typer.echo("the copy answers")
    return reference.check_adapter(staged)


def _model(job: Job, staged: Path) -> str | None:
    """The merged model, and what is made of it; None where it could not be checked."""
    from qwenlab.training import choose_engine

    # Unsloth has no part in it, and nothing is merged into weights of 4 bits.
    settings = job.run.recipe.model.model_copy(update={"engine": "transformers", "load_in_4bit": False})
    if job.dtype is not Dtype.auto:
        settings = settings.model_copy(update={"dtype": job.dtype.value})
    engine = choose_engine(settings)
    from qwenlab.exporting.equivalence import Reference
    from qwenlab.exporting.llama_cpp import check_tokenizer, convert
    from qwenlab.exporting.merge import export_dtype, merge
    from qwenlab.exporting.modelfile import modelfile
    from qwenlab.training.source import find_model

    precision = export_dtype(settings, engine)
    settings = settings.model_copy(update={"dtype": precision})
    if job.llama:
        check_tokenizer(job.llama, find_model(settings).folder)
    file = modelfile(settings, GGUF) if job.target is Target.ollama else ""
    reference = Reference(job.run.recipe, settings, choose_engine(settings), job.run.adapter, job.allow_near_ties)
    if not job.llama:
        typer.echo(f"merging in {precision}")
        merge(settings, job.run.adapter, staged, precision)
        return reference.check_merged(staged)
    with tempfile.TemporaryDirectory(dir=staged) as folder:
        typer.echo(f"merging in {precision}")
        merge(settings, job.run.adapter, Path(folder), precision)
        typer.echo(reference.check_merged(Path(folder)))
        typer.echo("converting")
        convert(job.llama, Path(folder), staged / GGUF, precision)
    if file:
        (staged / "Modelfile").write_text(file, encoding="utf-8")
    return reference.check_gguf(staged / GGUF, job.llama.server) if job.llama.server else None


def _check_space(job: Job, folder: Path) -> None:
    """Raises:
    UserError: what is written would not fit on the disk.
    """
    if job.target is Target.adapter:
        return
    needed = _merged_bytes(job.run) * (2 if job.llama else 1)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"The export needs {needed / 1e9:,.1f} GB and {free / 1e9:,.1f} GB are free at {folder.parent}.",
            "Make room, or choose another --out.",
        )


def _merged_bytes(run: "Run") -> int:
    """Of the base's weights in 16 bits."""
    model = run.read().model
    return 2 * (model.parameters - model.trainable_parameters) if model else 0


if __name__ == "__main__":
    cli.run(main, "qwenlab.export")
