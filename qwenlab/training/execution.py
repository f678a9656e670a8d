"""How a recipe is carried out on this machine: attention, determinism, optimiser, compilation, 4-bit weights.

Decided once, from the recipe and the engine, before anything is loaded; the plan tells it, the training takes it from
here and the run's record holds it.
"""

import importlib.util
from functools import cache
from typing import Any, Literal, NamedTuple

import torch

from qwenlab.recipe import Recipe
from qwenlab.training.engine import Engine, is_wsl
from qwenlab.training.toolchain import missing_for_triton

Attention = Literal["flash", "xformers", "sdpa"]
LinearAttention = Literal["none", "kernels", "plain"]


class Execution(NamedTuple):
    """What is done for the settings of a recipe, and why where that is not what they say."""

    attention: Attention
    """flash: the flash-attn package; xformers; sdpa: PyTorch's own."""
    linear_attention: LinearAttention
    """none: the model has no such layers; kernels: those of flash-linear-attention; plain: transformers' own."""
    deterministic: bool
    """Torch is told to use deterministic algorithms alone."""
    optim: str
    compiled: bool
    """By torch.compile. Unsloth compiles its own kernels, whatever this says."""
    load_in_4bit: bool
    notes: tuple[str, ...]
    """A sentence for each setting that is carried out otherwise, or at a price."""


def plan_execution(recipe: Recipe, engine: Engine, linear_attention: bool = False) -> Execution:
    """The same for the same recipe, engine and model on the same machine. Call it after `choose_engine`.

    `linear_attention`: the model has layers of it.
    """
    train, on_gpu = recipe.train, engine.device == "cuda"
    notes = _about_attention(recipe, engine)
    linear = _linear_attention(engine) if linear_attention else "none"
    compiled = train.torch_compile and on_gpu and engine.name == "transformers"
    if on_gpu and linear == "plain":
        compiled = False  # it is a loop over pieces of the row, which would be compiled anew for each number of them
        notes.append(
            "linear attention is computed by plain PyTorch, uncompiled; its kernels are more than ten times faster "
            "(transformers, of an H100): pip install flash-linear-attention"
        )
    if compiled and (missing := missing_for_triton()):
        compiled = False
        notes.append(f"trains without torch.compile. {missing}")
    elif compiled:
        notes.append("torch.compile: the first step of each new row length compiles, which takes minutes")
    if recipe.model.load_in_4bit and not on_gpu:
        notes.append(f"4-bit weights need a GPU: they are loaded in {engine.dtype}")
    if on_gpu and train.optim.startswith("paged") and is_wsl():
        notes.append("paged optimisers are slow under WSL: --set train.optim=adamw_torch where memory allows")
    return Execution(
        attention=_attention(engine, train.deterministic),
        linear_attention=linear,
        deterministic=train.deterministic,
        optim=train.optim if on_gpu else "adamw_torch",
        compiled=compiled,
        load_in_4bit=recipe.model.load_in_4bit and on_gpu,
        notes=tuple(notes),
    )


def use_attention(attention: Attention) -> None:
    """Make Unsloth's models attend so: at each forward pass they ask what of these two there is."""
    found, dispatch = found_by_unsloth(), _dispatch()
    dispatch.HAS_FLASH_ATTENTION = found.flash and attention == "flash"
    dispatch.HAS_XFORMERS = found.xformers and attention != "sdpa"


def _attention(engine: Engine, deterministic: bool) -> Attention:
    """One that has a backward pass on every card, for padded and for packed rows.

    Where deterministic algorithms are asked for, xformers refuses the backward pass of its flash kernels, and the
    CUTLASS kernels that are left end at compute capability 9.0 and take no packed rows; flash-attn does not know of
    the wish. PyTorch's own attention honours it.
    """
    if engine.name == "transformers" or deterministic:
        return "sdpa"
    found = found_by_unsloth()
    # On cards before compute capability 8 Unsloth passes flash-attn over.
    if found.flash and torch.cuda.get_device_capability()[0] >= 8:
        return "flash"
    return "xformers" if found.xformers else "sdpa"


def _linear_attention(engine: Engine) -> LinearAttention:
    """Unsloth brings the kernels along; they need what it itself needs."""
    if engine.device == "cuda" and (engine.name == "unsloth" or importlib.util.find_spec("fla") is not None):
        return "kernels"
    return "plain"


def _about_attention(recipe: Recipe, engine: Engine) -> list[str]:
    if engine.name != "unsloth":
        return []
    if importlib.util.find_spec("xformers") is None:
        return ["xformers is not installed, attention is PyTorch's own: pip install xformers"]
    if recipe.train.deterministic and recipe.train.packing and found_by_unsloth().xformers:
        return [
            "deterministic: packed samples attend one after the other; --set train.deterministic=false "
            "lets xformers take them at once"
        ]
    return []


class Found(NamedTuple):
    """Attention packages that Unsloth can use here."""

    flash: bool
    xformers: bool


@cache
def found_by_unsloth() -> Found:
    """What Unsloth found at import to run on this card, before `use_attention` changed anything."""
    return Found(_dispatch().HAS_FLASH_ATTENTION, _dispatch().HAS_XFORMERS)


def _dispatch() -> Any:
    """Unsloth's module of what its attention can use, which is there where Unsloth is."""
    from unsloth.utils import attention_dispatch

    return attention_dispatch
