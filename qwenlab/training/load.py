"""The one seam between the recipe and a model in memory: `load(recipe) -> LoadedModel`, with two engines behind it.

Import this after `choose_engine`, which sees to it that Unsloth comes before transformers and peft.
"""

import contextlib
import json
import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, get_peft_model, load_peft_weights, set_peft_model_state_dict
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, set_seed

from qwenlab.data.chat_template import template_sha256
from qwenlab.errors import UserError
from qwenlab.files import open_to_readers
from qwenlab.recipe import ALL_LINEAR, ModelSettings, Recipe
from qwenlab.runs.forms import check_adapter
from qwenlab.runs.record import EngineRecord, ModelRecord
from qwenlab.training.distributed import world
from qwenlab.training.engine import Engine
from qwenlab.training.environment import attention
from qwenlab.training.execution import Execution, plan_execution, use_attention
from qwenlab.training.memory import first_line, is_out_of_memory
from qwenlab.training.preflight import SMALLER, check_placed, layers_in_words
from qwenlab.training.shape import Shape, linear_layers
from qwenlab.training.source import ModelSource, damage_told, find_model, load_tokenizer, said


@dataclass
class LoadedModel:
    """A base model with a LoRA on it, its tokenizer, and what to record of both."""

    model: Any
    tokenizer: Any
    engine: Engine
    execution: Execution
    source: ModelSource
    patched: str | None
    """The line in which Unsloth says what it replaced."""

    def engine_record(self) -> EngineRecord:
        return EngineRecord(
            name=self.engine.name,
            why=self.engine.why,
            device=self.engine.device,
            dtype=self.engine.dtype,
            attention=attention(self.model, self.engine),
            deterministic=self.execution.deterministic,
            optim=self.execution.optim,
            compiled=self.execution.compiled,
            load_in_4bit=self.execution.load_in_4bit,
            patched=self.patched,
        )

    def model_record(self, thinking: bool | None = None) -> ModelRecord:
        trainable, total = self.model.get_nb_trainable_parameters()
        return ModelRecord(
            name=self.source.name,
            resolved=str(self.source.folder),
            revision=self.source.revision,
            sha256=self.source.sha256(),
            template_sha256=template_sha256(self.tokenizer),
            thinking=thinking,
            trainable_parameters=trainable,
            parameters=total,
        )

    def save_adapter(self, folder: Path) -> None:
        """Write the adapter and its tokenizer to `folder`, which is whole at every moment."""
        unfinished = folder.with_name(f".{folder.name}.tmp")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.model.save_pretrained(unfinished, safe_serialization=True)
        self.tokenizer.save_pretrained(unfinished)
        if self.source.revision:
            _name_base(unfinished / "adapter_config.json", self.source.name, self.source.revision)
        open_to_readers(unfinished)
        replace_folder(unfinished, folder)

    def fill_adapter(self, folder: Path) -> None:
        """Give the adapter in memory the weights of one that was saved, of the same shape."""
        with damage_told(f"the weights in {folder}", "Name another adapter, or train again."):
            filled = set_peft_model_state_dict(self.model, load_peft_weights(str(folder), device="cpu"))
        if any("lora_" in key for key in filled.missing_keys):
            raise UserError(f"The adapter in {folder} lacks weights of some layers.", "Name another adapter.")


def load(recipe: Recipe, engine: Engine, execution: Execution | None = None) -> LoadedModel:
    """Load the base in the recipe's precision and put the recipe's LoRA on it.

    The adapter starts from `lora.start_from` where that is set, and else fresh, by `train.seed`. `execution` is that of
    the recipe, unless another is given.

    Raises:
        UserError: the model cannot be had, does not fit into the GPU, or `start_from` does not fit the recipe.
    """
    source = find_model(recipe.model)
    execution = execution or plan_execution(recipe, engine, Shape.of(source.text_config).has_linear_attention)
    set_seed(recipe.train.seed)
    if engine.name == "unsloth":
        use_attention(execution.attention)
        model, patched = _load_with_unsloth(recipe, engine, source)
    else:
        model, patched = _load_with_transformers(recipe, engine, source), None
    # While it trains, its base is the folder: at every save peft looks there, and would ask the hub for a name.
    model.peft_config["default"].base_model_name_or_path = str(source.folder)
    loaded = LoadedModel(model, load_tokenizer(source), engine, execution, source, patched)
    if recipe.lora.start_from:
        _start_from(loaded, Path(recipe.lora.start_from))
    return loaded


def read_adapter(folder: Path) -> PeftConfig:
    """The settings of an adapter whose weights are there.

    Raises:
        UserError: the settings cannot be read; or the weights are not safetensors: peft would unpickle another file, or
            ask the hub.
    """
    try:
        config = PeftConfig.from_pretrained(folder)
    except Exception as error:  # noqa: BLE001  a file of others, whose keys become a class's arguments
        raise UserError(
            f"The adapter_config.json in {folder} cannot be read ({said(error)}).", "Name another adapter."
        ) from None
    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError(
            f"{folder} has no adapter_model.safetensors; other files, which could run code, are not read.",
            "Name a run's adapter, or convert it where you trust it.",
        )
    return config


def replace_folder(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; an onlooker may miss it for a moment, but never sees half of it."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def restore_folder(folder: Path) -> None:
    """Undo a `replace_folder` whose process was killed between its two steps."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        old.rename(folder)


def _name_base(config_file: Path, name: str, revision: str) -> None:
    """A base from the hub is named as there, not by this machine's cache folder."""
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": name, "revision": revision}
    config_file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _target_modules(recipe: Recipe, model: Any) -> list[str]:
    targets = recipe.lora.target_modules
    return list(linear_layers(model) if targets == ALL_LINEAR else targets)


def load_base(settings: ModelSettings, engine: Engine, source: ModelSource) -> Any:
    """The base alone, by plain transformers, in the precision that the engine computes in.

    Raises:
        UserError: it does not fit into the GPU.
    """
    source.whole_config  # noqa: B018  what is wrong there is told as such
    dtype = getattr(torch, engine.dtype)
    quantised = settings.load_in_4bit and engine.device == "cuda"
    with _fitting(source), source.reading_weights():
        model = AutoModelForCausalLM.from_pretrained(
            source.folder,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=dtype,
            device_map=_placement(engine),
            quantization_config=BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=dtype,
            )
            if quantised
            else None,
        )
    check_placed(model)
    return model


def _placement(engine: Engine) -> str | dict[str, int] | None:
    """All of it on this process's GPU. One process that sees several spreads it over them.

    On a single GPU "auto" would put what does not fit beside nine tenths of the free memory on the CPU without a word.
    """
    if engine.device == "cpu":
        return None
    return "auto" if world().size == 1 and torch.cuda.device_count() > 1 else {"": world().local_rank}


@contextlib.contextmanager
def _fitting(source: ModelSource) -> Iterator[None]:
    """A model that runs out of memory while it is loaded is a sentence: no smaller micro-batch will help."""
    try:
        yield
    except Exception as error:
        # transformers refuses to put 4-bit layers on the CPU, with a ValueError.
        if not is_out_of_memory(error) and "dispatched on the CPU or the disk" not in str(error):
            raise
        raise UserError(
            f"{source.name} does not fit into the GPU's memory ({first_line(error)}).",
            f"{SMALLER} nvidia-smi lists what else uses the card.",
        ) from None


def _load_with_transformers(recipe: Recipe, engine: Engine, source: ModelSource) -> Any:
    model = load_base(recipe.model, engine, source)
    lora = LoraConfig(
        r=recipe.lora.r,
        lora_alpha=recipe.lora.lora_alpha,
        lora_dropout=recipe.lora.lora_dropout,
        target_modules=_target_modules(recipe, model),
        bias="none",
        task_type="CAUSAL_LM",
    )
    set_seed(recipe.train.seed)  # as Unsloth does: building the base may have drawn numbers too
    try:
        return get_peft_model(model, lora)
    except ValueError as error:
        if "not found in the base model" not in str(error):
            raise
        raise UserError(
            f"lora.target_modules {_target_modules(recipe, model)}: {source.name} has no such layers.",
            layers_in_words(linear_layers(model)),
        ) from None


def _load_with_unsloth(recipe: Recipe, engine: Engine, source: ModelSource) -> tuple[Any, str | None]:
    from unsloth import FastLanguageModel

    # The folder is given, not the hub's name: Unsloth would replace the name by a quantised copy of another commit.
    with _fitting(source), source.reading_weights():
        model, _ = FastLanguageModel.from_pretrained(
            str(source.folder),
            trust_remote_code=False,
            max_seq_length=recipe.data.max_length,
            dtype=getattr(torch, engine.dtype),
            load_in_4bit=recipe.model.load_in_4bit,
            device_map=_placement(engine) or "cpu",
            use_gradient_checkpointing=_unsloth_checkpointing(recipe),
            random_state=recipe.train.seed,
            text_only=True,  # of a model that also sees; without this its layers have other names than for plain peft
        )
    check_placed(model)
    targets = _target_modules(recipe, model)
    with _heard("transformers") as said:
        model = FastLanguageModel.get_peft_model(
            model,
            r=recipe.lora.r,
            lora_alpha=recipe.lora.lora_alpha,
            lora_dropout=recipe.lora.lora_dropout,
            target_modules=targets,
            bias="none",
            use_gradient_checkpointing=_unsloth_checkpointing(recipe),
            random_state=recipe.train.seed,
        )
    model.peft_config["default"].target_modules = set(targets)  # of which Unsloth makes a pattern for some models
    lines = [line for line in said if re.search(r"patched \d+ layers", line)]
    return model, lines[0] if lines else None


@contextlib.contextmanager
def _heard(logger: str) -> Iterator[list[str]]:
    """What is logged under that name or below it inside the block, be it the first time in this process or not."""
    logging.Logger.warning_once.cache_clear()  # type: ignore[attr-defined]
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger(logger).addHandler(handler)
    try:
        yield said
    finally:
        logging.getLogger(logger).removeHandler(handler)


def _unsloth_checkpointing(recipe: Recipe) -> str | bool:
    return "unsloth" if recipe.train.gradient_checkpointing else False


def _start_from(loaded: LoadedModel, folder: Path) -> None:
    """Fill the fresh adapter with the weights of one that was trained before."""
    if not (folder / "adapter_config.json").exists():
        raise UserError(f"lora.start_from = {folder}: there is no adapter there.", "Name a run's adapter folder.")
    ours, theirs = loaded.model.peft_config["default"], read_adapter(folder)
    check_adapter(folder)
    for key in ("r", "lora_alpha", "target_modules"):
        wanted, found = getattr(ours, key), getattr(theirs, key)
        if wanted != found:
            shown = sorted(found) if isinstance(found, set) else found
            raise UserError(
                f"The adapter in {folder} has {key} = {shown}, the recipe another.", f"Set lora.{key} to {shown}."
            )
    loaded.fill_adapter(folder)
