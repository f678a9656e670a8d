"""What would stop a training, told before a weight is fetched: in a dry run, in the plan, and as a training begins."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

from qwenlab.errors import UserError
from qwenlab.recipe import ALL_LINEAR, Recipe
from qwenlab.runs.record import Hardware
from qwenlab.training.engine import Engine
from qwenlab.training.estimate import GB, weight_bytes
from qwenlab.training.shape import Shape
from qwenlab.training.source import DENSE_TEXT, ModelSource

EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")
"""What configurations call the number of experts that a token is sent to some of."""

HEADS = ("lm_head", "embed_tokens")
"""The output head and the embeddings, which have a row for each token of the vocabulary."""

SMALLER = "Set model.load_in_4bit = true, or choose a smaller model."


def check_recipe(recipe: Recipe, engine: Engine, source: ModelSource, hardware: Hardware) -> None:
    """Hold the recipe against the model's configuration and the machine.

    Raises:
        UserError: it cannot work, however free the machine is; names every reason.
    """
    check_architecture(source)
    found = [
        _context(recipe, source),
        _targets(recipe, source),
        _packing(recipe, source),
        _bfloat16(engine, hardware),
        _room(recipe, engine, source, hardware.gpu_memory_gb),
    ]
    reasons = [reason for reason in found if reason]
    if len(reasons) == 1:
        raise reasons[0]
    if reasons:
        raise UserError("\n".join(r.message for r in reasons), "\n".join(r.hint for r in reasons))


def check_architecture(source: ModelSource) -> None:
    """Raises:
    UserError: it is no dense model of text, or of no kind that is known.
    """
    config = source.text_config
    experts = next((count for key in EXPERTS if (count := getattr(config, key, None))), None)
    if experts:
        raise UserError(f"{source.name} is a mixture of {experts} experts: only dense models are trained.", DENSE_TEXT)
    if type(source.whole_config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise UserError(
            f"{source.name} ({source.whole_config.model_type}) cannot be loaded for text alone: it is made for "
            "pictures, sound, or another task than writing.",
            DENSE_TEXT,
        )
    Shape.of(config)


def check_room(recipe: Recipe, engine: Engine, source: ModelSource, hardware: Hardware) -> None:
    """Hold the weights against the memory that is free right now; call it when it is this job's turn at the GPU.

    Raises:
        UserError: other programs hold so much that the weights alone do not fit.
    """
    if hardware.gpu_free_gb is None or hardware.gpu_memory_gb is None:
        return
    reason = _room(recipe, engine, source, hardware.gpu_free_gb)
    if reason:
        taken = hardware.gpu_memory_gb - hardware.gpu_free_gb
        raise UserError(
            f"{reason.message} Other programs hold {taken:.1f} GB of the card.",
            f"nvidia-smi lists them. {reason.hint}",
        )


def check_placed(model: Any) -> None:
    """Raises:
    UserError: layers of the loaded model lie outside of the GPUs, where training would fail or crawl.
    """
    places = {str(place) for place in getattr(model, "hf_device_map", {}).values()}
    outside = sorted(places & {"cpu", "disk"})
    if outside:
        raise UserError(
            f"The model does not fit into the memory of the GPUs: layers were put on the {' and the '.join(outside)}.",
            SMALLER,
        )


def _context(recipe: Recipe, source: ModelSource) -> UserError | None:
    """Unsloth would stretch the model's positions, the plain engine would not, and neither would every answer later."""
    context = getattr(source.text_config, "max_position_embeddings", None)
    if not context or recipe.data.max_length <= context:
        return None
    return UserError(
        f"data.max_length = {recipe.data.max_length:,}: {source.name} reads {context:,} tokens at most.",
        f"Set data.max_length = {context} or less.",
    )


def _targets(recipe: Recipe, source: ModelSource) -> UserError | None:
    """peft passes over a name that no layer has, as long as another name has one."""
    if recipe.lora.target_modules == ALL_LINEAR:
        return None
    shape = Shape.of(source.text_config)
    unknown = [target for target in recipe.lora.target_modules if not shape.adapted([target])]
    if not unknown:
        return None
    heads = [target for target in unknown if target.rpartition(".")[2] in HEADS]
    what = (
        f"{', '.join(heads)}: an adapter stands beside the linear layers of the blocks; the output head and the "
        "embeddings stay as they are"
        if heads
        else f"{', '.join(unknown)}: {source.name} has no such layer"
    )
    return UserError(f"lora.target_modules names {what}.", layers_in_words(shape.linear_layers))


def layers_in_words(names: Sequence[str]) -> str:
    """What `lora.target_modules` may name."""
    return f"Its layers are {', '.join(names)}; {ALL_LINEAR} is all of them."


def _packing(recipe: Recipe, source: ModelSource) -> UserError | None:
    if not recipe.train.packing or not Shape.of(source.text_config).has_linear_attention:
        return None
    return UserError(
        f"train.packing = true: {source.name} has layers of linear attention, which would carry what they read in one "
        "sample into the next one of the row.",
        "Set train.packing = false.",
    )


def _bfloat16(engine: Engine, hardware: Hardware) -> UserError | None:
    if engine.device != "cuda" or engine.dtype != "bfloat16":
        return None
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return None
    return UserError(
        f'model.dtype = "bfloat16": {hardware.gpu} has no bfloat16; RTX 30 and later have it.',
        'Set model.dtype = "auto", which takes float16 there.',
    )


def _room(recipe: Recipe, engine: Engine, source: ModelSource, card_gb: float | None) -> UserError | None:
    """Where several GPUs are seen, one process spreads the model over all of them; only they can tell."""
    if engine.device != "cuda" or card_gb is None or _gpus() > 1:
        return None
    needed = weight_bytes(Shape.of(source.text_config), recipe.model.load_in_4bit, engine.bytes_each) / GB
    if needed <= card_gb:
        return None
    precision = "4 bits" if recipe.model.load_in_4bit else engine.dtype
    hint = "Choose a smaller model." if recipe.model.load_in_4bit else SMALLER
    return UserError(
        f"The weights of {source.name} take {needed:.1f} GB in {precision}, and the GPU has {card_gb:.1f} GB for them.",
        hint,
    )


def _gpus() -> int:
    return int(torch.cuda.device_count())
