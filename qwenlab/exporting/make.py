"""Fill a folder with what an adapter becomes, and hold it against the adapter."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from qwenlab.exporting.equivalence import Reference
from qwenlab.exporting.llama_cpp import check_tokenizer, convert
from qwenlab.exporting.merge import Mode, copy_adapter, export_dtype, merge
from qwenlab.exporting.modelfile import modelfile
from qwenlab.exporting.target import GGUF, Dtype, Job, Target
from qwenlab.training import choose_engine
from qwenlab.training.source import find_model

Say = Callable[[str], None]


def make(job: Job, folder: Path, say: Say) -> str | None:
    """Write the export into the folder; a sentence on the comparison, None where it could not be compared.

    Raises:
        UserError: it does not answer as the adapter does, or something on the way cannot be done.
    """
    return _adapter(job, folder, say) if job.target is Target.adapter else _model(job, folder, say)


def _adapter(job: Job, staged: Path, say: Say) -> str:
    settings = job.run.recipe.model.model_copy(update={"engine": "transformers"})
    engine = choose_engine(settings)

    mode = _mode(job)
    reference = Reference(job.run.recipe, settings, engine, job.run.adapter, mode.thinking)
    model = job.run.read().model
    local = model is not None and model.revision is None
    copy_adapter(job.run.adapter, staged, mode, Path(settings.name).name if local and job.published else None)
    say("the copy answers")
    return reference.check_adapter(staged)


def _model(job: Job, staged: Path, say: Say) -> str | None:
    """The merged model, and what is made of it; None where it could not be checked."""

    # Unsloth has no part in it, and nothing is merged into weights of 4 bits.
    settings = job.run.recipe.model.model_copy(update={"engine": "transformers", "load_in_4bit": False})
    if job.dtype is not Dtype.auto:
        settings = settings.model_copy(update={"dtype": job.dtype.value})
    engine = choose_engine(settings)

    precision = export_dtype(settings, engine)
    settings = settings.model_copy(update={"dtype": precision})
    if job.llama:
        check_tokenizer(job.llama, find_model(settings).folder)
    mode = _mode(job)
    file = modelfile(settings, GGUF, mode.thinking) if job.target is Target.ollama else ""
    reference = Reference(job.run.recipe, settings, choose_engine(settings), job.run.adapter, mode.thinking)
    if not job.llama:
        say(f"merging in {precision}")
        merge(settings, job.run.adapter, staged, precision, mode)
        return reference.check_merged(staged)
    with tempfile.TemporaryDirectory(dir=staged) as folder:
        say(f"merging in {precision}")
        merge(settings, job.run.adapter, Path(folder), precision, mode)
        say(reference.check_merged(Path(folder)))
        say("converting")
        convert(job.llama, Path(folder), staged / GGUF, precision)
    if file:
        (staged / "Modelfile").write_text(file, encoding="utf-8")
    return reference.check_gguf(staged / GGUF, job.llama.server) if job.llama.server else None


def _mode(job: Job) -> Mode:
    """As the run was trained. llama.cpp's server would choose by itself."""
    model = job.run.read().model
    return Mode(model.thinking if model else None, fixed=job.llama is not None)
