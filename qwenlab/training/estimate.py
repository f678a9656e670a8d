"""How much GPU memory a training will take, from the shapes alone: nothing is loaded.

An estimate from first principles, part by part, so that a user sees which setting would help. It counts what PyTorch
allocates; `OVERHEAD_GB` is what the CUDA context and the allocator's gaps add on top.
"""

from typing import Any, Literal, NamedTuple

from qwenlab.recipe import Recipe
from qwenlab.training.engine import UNSLOTH_LOSS_GIB

GB = 1e9
OVERHEAD_GB = 1.4
"""The allowance that Unsloth Studio's published formula makes for the CUDA context and fragmentation."""
NF4_BYTES = 0.516
"""Bytes a 4-bit weight: half a byte and its share of the double-quantised scales (QLoRA, arXiv 2305.14314, section 3:
0.127 bits a parameter)."""
LOSS_CHUNK = 256
"""Tokens whose logits TRL's chunked cross entropy holds at once (its own constant)."""


class Shape(NamedTuple):
    """What a Qwen2 or Qwen3 configuration says about sizes."""

    hidden: int
    layers: int
    queries: int
    """Width of the query projection: heads times head size."""
    keys: int
    """Width of the key and of the value projection."""
    intermediate: int
    vocabulary: int
    tied: bool

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Shape":
        """From a model's config.json."""
        heads = config["num_attention_heads"]
        head = config.get("head_dim") or config["hidden_size"] // heads
        return cls(
            hidden=config["hidden_size"],
            layers=config["num_hidden_layers"],
            queries=heads * head,
            keys=config.get("num_key_value_heads", heads) * head,
            intermediate=config["intermediate_size"],
            vocabulary=config["vocab_size"],
            tied=config.get("tie_word_embeddings", False),
        )

    @property
    def projections(self) -> dict[str, tuple[int, int]]:
        """Each linear layer of a block: (inputs, outputs)."""
        return {
            "q_proj": (self.hidden, self.queries),
            "k_proj": (self.hidden, self.keys),
            "v_proj": (self.hidden, self.keys),
            "o_proj": (self.queries, self.hidden),
            "gate_proj": (self.hidden, self.intermediate),
            "up_proj": (self.hidden, self.intermediate),
            "down_proj": (self.intermediate, self.hidden),
        }

    @property
    def linear_parameters(self) -> int:
        """Weights in the blocks' linear layers: what 4-bit loading shrinks."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.projections.values())

    @property
    def embedding_parameters(self) -> int:
        """Embedding and output head, which stay in 16 bits."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    def lora_parameters(self, r: int, target_modules: tuple[str, ...]) -> int:
        return self.layers * sum(r * sum(self.projections[name]) for name in target_modules if name in self.projections)


class MemoryEstimate(NamedTuple):
    """GB (10^9 bytes) by part."""

    weights: float
    adapter: float
    """Adapter, its gradients and the optimiser's state."""
    activations: float
    logits: float
    overhead: float = OVERHEAD_GB

    @property
    def total(self) -> float:
        return sum(self)


def weight_bytes(shape: Shape, load_in_4bit: bool, bytes_each: int) -> float:
    """Bytes of the base; `bytes_each` is that of a weight that is not quantised."""
    linear = NF4_BYTES if load_in_4bit else bytes_each
    return shape.linear_parameters * linear + shape.embedding_parameters * bytes_each


def estimate_memory(shape: Shape, recipe: Recipe, dtype_bytes: int = 2, unsloth: bool = True) -> MemoryEstimate:
    """The peak of one training step with rows of `data.max_length` tokens."""
    train, tokens = recipe.train, recipe.train.per_device_train_batch_size * recipe.data.max_length
    weights = weight_bytes(shape, recipe.model.load_in_4bit, dtype_bytes)

    targets = recipe.lora.target_modules
    names = tuple(shape.projections) if targets == "all-linear" else targets
    optimiser_bytes = 2 if "8bit" in train.optim else 8
    adapter = shape.lora_parameters(recipe.lora.r, names) * (4 + 4 + optimiser_bytes)

    # What one block keeps for its backward pass: its normed inputs, queries, keys, values, attention and the three
    # widths of the MLP. With checkpointing only one block is open at a time, and each other keeps its input alone,
    # which Unsloth moves to the machine's memory.
    block = tokens * dtype_bytes * (6 * shape.hidden + 2 * shape.queries + 2 * shape.keys + 4 * shape.intermediate)
    if train.gradient_checkpointing:
        kept = 0 if unsloth else shape.layers * tokens * shape.hidden * dtype_bytes
        activations = block * 2 + kept  # the block's values and their gradients
    else:
        activations = shape.layers * block
    # For the chunk of tokens at hand: Unsloth's is as large as we set it, TRL's holds logits in 32 bits with their
    # gradient and the softmax. And the last hidden states.
    chunk = UNSLOTH_LOSS_GIB * 2**30 if unsloth else LOSS_CHUNK * shape.vocabulary * 4 * 3
    logits = chunk + tokens * shape.hidden * 4 * 2
    return MemoryEstimate(*(part / GB for part in (weights, adapter, activations, logits)))


def verdict(needed_gb: float, card_gb: float) -> Literal["fits", "tight", "will not fit"]:
    """`fits`, `tight` (less than a tenth of the card is left) or `will not fit`."""
    if needed_gb > card_gb:
        return "will not fit"
    return "tight" if needed_gb > 0.9 * card_gb else "fits"
