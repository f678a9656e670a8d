"""A model card: what an exported folder says of itself, from what the run recorded."""

import contextlib
from pathlib import Path
from typing import Literal

import huggingface_hub
from pydantic import BaseModel

from qwenlab import hub
from qwenlab.errors import UserError
from qwenlab.files import read_json
from qwenlab.recipe import TINY, recipe_toml
from qwenlab.runs.evaluation import list_evaluations
from qwenlab.runs.record import ModelRecord, RunRecord
from qwenlab.runs.run import Run

Kind = Literal["adapter", "merged", "gguf"]

LICENCES = {
    "apache license": "apache-2.0",
    "mit license": "mit",
    "qwen research license": "other",
    "qwen license": "other",
}
"""First words of licence texts, in lower case, and what the hub calls them."""

USES: dict[Kind, str] = {
    "adapter": """\
from peft import AutoPeftModelForCausalLM
from transformers import AutoTokenizer

model = AutoPeftModelForCausalLM.from_pretrained("{folder}")
tokenizer = AutoTokenizer.from_pretrained("{folder}")""",
    "merged": """\
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("{folder}", dtype="auto")
tokenizer = AutoTokenizer.from_pretrained("{folder}")""",
}


def model_card(run: Run, kind: Kind, checked: str, folder: str) -> str:
    """README.md of an exported folder, with the front matter that the hub reads.

    `checked` is a sentence on the comparison with the adapter; `folder` the name that the code in it loads from.
    No path of this machine is told: the card may be published.
    """
    record = run.read()
    assert record.model, "a run with an adapter has recorded its model"
    licence = base_licence(record.model)
    parts = [
        _front_matter(record.model, kind, licence),
        f"# {folder}",
        _what_it_is(record.model, kind, licence),
        _results(run, record),
        checked,
        _how_to_load(kind, folder),
        _how_to_ask(record.model),
        "## Data",
        f"{record.rows or 0:,} rows of `{_shown(run.recipe.data.source)}` were trained on; "
        f"SHA-256 of the data: `{record.data_sha256}`.",
        "## Recipe",
        f"Trained with qwenlab {record.versions.get('qwenlab', '')}, {record.step:,} steps. The whole recipe:",
        f"```toml\n{_recipe(run)}```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def base_licence(model: ModelRecord) -> str | None:
    """The licence of the base as the hub names them: from the card or LICENSE beside the weights, or from the hub's
    card of it. None: unknown."""
    folder = Path(model.resolved)
    if (folder / "README.md").exists():
        licence = huggingface_hub.ModelCard.load(folder / "README.md").data.get("license")
        if licence:
            return str(licence)
    if (folder / "LICENSE").exists():
        beginning = (folder / "LICENSE").read_text(encoding="utf-8", errors="replace")[:500].lower()
        return next((name for words, name in LICENCES.items() if words in beginning), "other")
    return hub.licence(model.name, model.revision) if model.revision else None


def evaluation_sentence(run: Run) -> str | None:
    """What the newest evaluation that has a report says, in a sentence."""
    for evaluation in reversed(list_evaluations(run)):
        with contextlib.suppress(UserError):  # it has no report yet, or one that cannot be read
            return read_json(evaluation.report_file, _Said).sentence or None
    return None


class _Said(BaseModel):
    sentence: str | None = None


def _front_matter(model: ModelRecord, kind: Kind, licence: str | None) -> str:
    matter = huggingface_hub.ModelCardData(
        base_model=_shown(model.name),
        license=licence or "unknown",
        library_name={"adapter": "peft", "merged": "transformers", "gguf": "gguf"}[kind],
        pipeline_tag="text-generation",
        tags=["qwenlab", "lora"],
    )
    return f"---\n{matter.to_yaml()}\n---"


def _what_it_is(model: ModelRecord, kind: Kind, licence: str | None) -> str:
    what = {
        "adapter": "A LoRA adapter for",
        "merged": "A LoRA adapter merged, in 16 bits, into",
        "gguf": "A LoRA adapter merged into its base and converted to GGUF. The base is",
    }[kind]
    revision = f" at commit `{model.revision}`" if model.revision else ", a model that is no hub model,"
    rights = f"is under the licence `{licence}`" if licence else "has a licence that is not known here: find it out"
    return (
        f"{what} `{_shown(model.name)}`{revision} with weights `{model.sha256[:12]}`. The base {rights}; "
        "what is derived from it is bound by it."
    )


def _results(run: Run, record: RunRecord) -> str:
    sentences = [evaluation_sentence(run) or "It has not been evaluated against its base."]
    if record.best and record.base_eval_loss is not None:
        sentences.append(
            f"Validation loss: {record.base_eval_loss:.4f} before the training, {record.best.eval_loss:.4f} after it "
            f"(step {record.best.step:,})."
        )
    return " ".join(sentences)


def _how_to_load(kind: Kind, folder: str) -> str:
    code = (
        f"```python\n{USES[kind].format(folder=folder)}\n```"
        if kind in USES
        else f"`llama-server -m {folder}/model.gguf`"
    )
    return f"## How to load it\n\n{code}"


def _how_to_ask(model: ModelRecord) -> str:
    """The mode of a template that has one."""
    if model.thinking is None:
        return ""
    mode, switch = ("with thinking on", "true") if model.thinking else ("with thinking off", "false")
    return (
        f"It was trained {mode}; ask it so. The chat template here does so by itself; elsewhere, "
        f'`enable_thinking={switch}`, or `chat_template_kwargs={{"enable_thinking": {switch}}}` of a server.'
    )


def _recipe(run: Run) -> str:
    recipe = run.recipe
    return recipe_toml(
        recipe.with_values(
            model={"name": _shown(recipe.model.name)},
            data={"source": _shown(recipe.data.source), "fallback": [_shown(one) for one in recipe.data.fallback]},
            lora={"start_from": _shown(recipe.lora.start_from)},
        )
    )


def _shown(name: str) -> str:
    """A hub name as it is; of a path its last part, since the rest is nobody's business."""
    path = Path(name).expanduser()
    return path.name if name not in ("", TINY) and (path.is_absolute() or path.exists()) else name
