"""An adapter taken out of its run: merged into its base, or copied as it is."""

import json
import shutil
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from peft import PeftModel
from transformers import AutoTokenizer

from qwenlab.data.chat_template import template_in_mode
from qwenlab.errors import UserError
from qwenlab.files import open_to_readers
from qwenlab.recipe import ModelSettings
from qwenlab.training.engine import Engine
from qwenlab.training.load import load_base, read_adapter
from qwenlab.training.source import damage_told, find_model, load_tokenizer
from qwenlab.training.turn_ends import end_tokens

Dtype = Literal["float16", "bfloat16"]


def export_dtype(settings: ModelSettings, engine: Engine) -> Dtype:
    """The precision to store in: what the recipe computes in where that has 16 bits, else float16, whose rounding is
    eight times finer than bfloat16's."""
    return "bfloat16" if "bfloat16" in (settings.dtype, engine.dtype) else "float16"


class Mode(NamedTuple):
    """How a run is asked, for the chat template that an export carries."""

    thinking: bool | None
    """None: the template has no such mode."""
    fixed: bool = False
    """Whoever asks cannot choose another."""

    def write(self, tokenizer: Any, folder: Path) -> None:
        """Save the tokenizer, its template in this mode."""
        tokenizer.chat_template = template_in_mode(tokenizer.chat_template, *self)
        tokenizer.save_pretrained(folder)


UNSAID = Mode(None)


def merge(settings: ModelSettings, adapter: Path, folder: Path, dtype: Dtype, mode: Mode = UNSAID) -> None:
    """Write base and adapter as one model, in 16 bits, that plain transformers loads, and that stops where it
    has learned to.

    The base is loaded in 16 bits too, whether or not the training had quantised it, and on the CPU. Each weight is
    rounded once, after the addition.

    Raises:
        UserError: the base is a quantised one, or a merged weight does not fit into the precision.
    """
    source = find_model(settings)
    if "quantization_config" in source.config:
        raise UserError(
            f"{source.name} is stored quantised, so an adapter cannot be merged into it exactly.",
            "Export the adapter: --to adapter.",
        )
    plain = Engine("transformers", "merging", "cpu", dtype)
    read_adapter(adapter)
    with damage_told(f"the weights in {adapter}", "Train again, or name another run."):
        model: Any = PeftModel.from_pretrained(load_base(settings, plain, source), adapter, torch_device="cpu")
    merged = model.merge_and_unload()
    for name, weight in merged.named_parameters():
        if not torch.isfinite(weight).all():
            raise UserError(f"The merged weight {name} does not fit into {dtype}.", "Add --dtype bfloat16.")
    tokenizer = load_tokenizer(source)
    ends = end_tokens(source, tokenizer)
    merged.generation_config.eos_token_id = merged.config.eos_token_id = ends if len(ends) > 1 else ends[0]
    merged.save_pretrained(folder)
    open_to_readers(folder)
    # Converters take it for the one end of an answer.
    tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0])
    mode.write(tokenizer, folder)


def copy_adapter(adapter: Path, folder: Path, mode: Mode = UNSAID, base_name: str | None = None) -> None:
    """Copy the adapter with its tokenizer; `base_name` is what it shall call its base from now on."""
    ignored = shutil.ignore_patterns("README.md")  # peft's empty form
    shutil.copytree(adapter, folder, copy_function=shutil.copyfile, ignore=ignored, dirs_exist_ok=True)
    if mode.thinking is not None:
        mode.write(AutoTokenizer.from_pretrained(folder, trust_remote_code=False), folder)
    if base_name:
        config_file = folder / "adapter_config.json"
        config = json.loads(config_file.read_text(encoding="utf-8")) | {"base_model_name_or_path": base_name}
        config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
