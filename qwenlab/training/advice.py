"""What a recipe may come to regret, told in the plan: the evidence, and the `--set` that would change it.

The recipe is carried out as it stands. One function is one piece of advice, a sentence or None. Where a piece rests on
what others have seen, it names them.
"""

from typing import Any

import torch
from transformers import PreTrainedConfig

from qwenlab.data.report import TokenLengths
from qwenlab.recipe import Recipe
from qwenlab.text import percent
from qwenlab.training.engine import Engine
from qwenlab.training.estimate import target_modules
from qwenlab.training.shape import Shape
from qwenlab.training.source import ModelSource
from qwenlab.training.turn_ends import own_ends, taught_end

KEPT_WHOLE = 0.99
"""The share of the rows that the advised `max_length` keeps whole."""

ROUNDED = 64
"""The advised `max_length` is a multiple of it."""


def advise(
    recipe: Recipe, engine: Engine, source: ModelSource, tokenizer: Any, tokens: TokenLengths
) -> tuple[str, ...]:
    """All advice for a training; `tokens` are those of the training rows."""
    config = source.text_config
    shape = Shape.of(config)
    found = (
        about_float16(engine, config, shape),
        about_4_bits(recipe, engine, shape),
        about_target_modules(recipe, shape, tokens.learned_total),
        about_cut_answers(recipe, tokens, config.max_position_embeddings),
        about_a_base_model(source, tokenizer),
    )
    return tuple(advice for advice in found if advice)


def about_float16(engine: Engine, config: PreTrainedConfig, shape: Shape) -> str | None:
    """A number above 65,504 is none in float16; in bfloat16, which models are trained in, it is."""
    if engine.device != "cuda" or engine.dtype != "float16":
        return None
    if shape.has_linear_attention:
        risk = "the gradients of linear attention become NaN in it, says Unsloth of Qwen3.5"
    elif config.dtype == torch.bfloat16:
        risk = (
            "the model was trained in bfloat16, which holds larger numbers; of Qwen2 and Qwen2.5 7B, NaN is reported "
            "(QwenLM/Qwen3#868, #670, #761)"
        )
    else:
        return None
    able = torch.cuda.is_bf16_supported(including_emulation=False)
    return f"float16: {risk}{': --set model.dtype=bfloat16, which this card has' if able else ''}"


def about_4_bits(recipe: Recipe, engine: Engine, shape: Shape) -> str | None:
    """A model that loses more than others by quantisation; where there is no GPU, nothing is quantised."""
    if not recipe.model.load_in_4bit or engine.device != "cuda" or not shape.has_linear_attention:
        return None
    return (
        "4 bits: Unsloth does not recommend them for Qwen3.5, which loses more by them than other models do: "
        "--set model.load_in_4bit=false, with a smaller Qwen3.5 where memory is short"
    )


def about_target_modules(recipe: Recipe, shape: Shape, learned: int) -> str | None:
    """An adapter that leaves the MLP out, and has fewer parameters than there are tokens to learn."""
    targets = target_modules(recipe, shape)
    adapted, parameters = shape.adapted(targets), shape.lora_parameters(recipe.lora.r, targets)
    if parameters >= learned or any(".mlp." in path for path in adapted):
        return None
    blocks = len({path.split(".")[2] for path in adapted})
    where = f" in {blocks} of {len(shape.blocks)} blocks" if blocks < len(shape.blocks) else ""
    whole = shape.lora_parameters(recipe.lora.r, shape.linear_layers)
    return (
        f"lora.target_modules: an adapter on attention alone{where} has {_count(parameters)} parameters beside "
        f"{_count(learned)} tokens to learn. Attention alone learns less than all layers, at the same size too (LoRA "
        f"Without Regret, 2025): --set lora.target_modules=all-linear has {_count(whole)}"
    )


def about_cut_answers(recipe: Recipe, tokens: TokenLengths, context: int) -> str | None:
    """Rows that lose their end."""
    if not tokens.truncated:
        return None
    lost = percent(tokens.beyond, tokens.beyond + tokens.learned_total)
    told = (
        f"data.max_length: {tokens.truncated:,} rows ({100 * tokens.truncated_share:.1f} %) are cut at "
        f"{recipe.data.max_length:,} tokens. Up to {lost} of all there is to learn is beyond it, and where those "
        "answers end"
    )
    if tokens.truncated_share <= 1 - KEPT_WHOLE:
        return told
    wanted = -(-tokens.percentile_99 // ROUNDED) * ROUNDED
    if wanted > context:
        return f"{told}; to keep 99 % whole takes {wanted:,}, and the model reads {context:,}"
    return f"{told}: --set data.max_length={wanted} keeps 99 % whole, and takes more memory"


def about_a_base_model(source: ModelSource, tokenizer: Any) -> str | None:
    """A model that was never taught where a turn ends."""
    own, taught, name = own_ends(source), taught_end(tokenizer), source.name
    if not own or taught is None or taught in own:
        return None
    ends, end = ", ".join(tokenizer.convert_ids_to_tokens(own)), tokenizer.convert_ids_to_tokens(taught)
    instruct = ""
    if name.startswith("Qwen/"):  # of others, and of a folder, nobody can say what it is called
        instruct = f": --set model.name={name.removesuffix('-Base') if name.endswith('-Base') else f'{name}-Instruct'}"
    return (
        f"a base model: by itself it ends at {ends}, its chat template at {end}, whose embedding may never have been "
        "trained. An adapter leaves embeddings as they are, and Qwen's README has them and the output head trained "
        f"there. The instruct model knows the template{instruct}"
    )


def _count(count: int) -> str:
    return f"{count / 1e6:,.1f} million" if count >= 1e6 else f"{count:,}"
