"""How much GPU memory a training will take, from the shapes alone: nothing is loaded.

An estimate from first principles, part by part, so that a user sees which setting would help. It counts what PyTorch
allocates, and `CONTEXT_GB` on top. Held against what trainings took on a card, in `tests/training/test_estimate.py`.
"""

from typing import Literal, NamedTuple

from qwenlab.recipe import ALL_LINEAR, Recipe
from qwenlab.training.engine import UNSLOTH_LOSS_GIB
from qwenlab.training.shape import Shape

GB = 1e9
CONTEXT_GB = 0.7
"""What the CUDA context and imported kernels take before the first tensor: 0.5 GB in a process of the plain engine, 0.7
with Unsloth, of an H200."""
NF4_BYTES = 0.516
"""Bytes a 4-bit weight: half a byte and its share of the double-quantised scales (QLoRA, arXiv 2305.14314, section 3:
0.127 bits a parameter)."""
LOSS_CHUNK = 256
"""Tokens whose logits TRL's chunked cross entropy holds at once (its own constant)."""
REFERENCE_KEPT = 15
"""Numbers of 32 bits that transformers' own linear attention, in plain PyTorch, keeps for the backward pass for each of
a token's values. Measured on one layer of the shapes of Qwen3.5 0.8B, 4B and 9B: 14.1 to 15.2."""


class MemoryEstimate(NamedTuple):
    """GB (10^9 bytes) by part."""

    weights: float
    adapter: float
    """Adapter, its gradients and the optimiser's state."""
    activations: float
    """What the forward pass keeps, and the block at hand with its gradients."""
    logits: float
    """What the loss takes beyond that block: it has given its own back before the first block is gone through again."""
    context: float = CONTEXT_GB

    @property
    def total(self) -> float:
        return sum(self)


def weight_bytes(shape: Shape, load_in_4bit: bool, bytes_each: int) -> float:
    """Bytes of the base; `bytes_each` is that of a weight that is not quantised."""
    quantised = shape.linear_parameters if load_in_4bit else 0
    return quantised * NF4_BYTES + (shape.parameters - quantised) * bytes_each


def target_modules(recipe: Recipe, shape: Shape) -> tuple[str, ...]:
    """The names of the layers that get an adapter."""
    targets = recipe.lora.target_modules
    return shape.linear_layers if targets == ALL_LINEAR else tuple(targets)


def estimate_memory(
    shape: Shape, recipe: Recipe, dtype_bytes: int = 2, unsloth: bool = True, kernels: bool = True
) -> MemoryEstimate:
    """The peak of one training step with rows of `data.max_length` tokens.

    `kernels`: linear attention, where the model has it, is computed by kernels made for it.
    """
    train, tokens = recipe.train, recipe.train.per_device_train_batch_size * recipe.data.max_length
    weights = weight_bytes(shape, recipe.model.load_in_4bit, dtype_bytes)

    optimiser_bytes = 2 if "8bit" in train.optim else 8
    adapter = shape.lora_parameters(recipe.lora.r, target_modules(recipe, shape)) * (4 + 4 + optimiser_bytes)

    # With checkpointing only one block is open at a time, and each other keeps its input alone, which Unsloth moves to
    # the machine's memory.
    blocks = [block.kept * dtype_bytes + (0 if kernels else block.state * 4 * REFERENCE_KEPT) for block in shape.blocks]
    if train.gradient_checkpointing:
        kept = 0 if unsloth else tokens * len(blocks) * shape.hidden * dtype_bytes
        open_block = tokens * max(blocks) * 2  # its values and their gradients
    else:
        kept, open_block = tokens * sum(blocks), 0
    # For the chunk of tokens at hand: Unsloth's is as large as we set it, TRL's holds logits in 32 bits with their
    # gradient and the softmax. And the last hidden states.
    chunk = UNSLOTH_LOSS_GIB * 2**30 if unsloth else LOSS_CHUNK * shape.vocabulary * 4 * 3
    loss = chunk + tokens * shape.hidden * 4 * 2
    return MemoryEstimate(*(part / GB for part in (weights, adapter, kept + open_block, max(loss - open_block, 0.0))))


def verdict(needed_gb: float, card_gb: float) -> Literal["fits", "tight", "will not fit"]:
    """`fits`, `tight` (less than a tenth of the card is left) or `will not fit`."""
    if needed_gb > card_gb:
        return "will not fit"
    return "tight" if needed_gb > 0.9 * card_gb else "fits"
