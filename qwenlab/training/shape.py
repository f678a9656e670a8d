"""The layers of a model and their sizes, from its configuration alone: nothing is loaded.

Held against the classes of transformers, parameter by parameter, in `tests/training/test_shape.py`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedConfig

from qwenlab.errors import UserError
from qwenlab.training.source import DENSE_TEXT

SIZES = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")

QUERY_KEY_NORMS = ("qwen3", "qwen3_5_text")
"""Model types whose attention norms each head's queries and keys."""

OUTPUT_GATE = ("qwen3_5_text",)
"""Model types whose query projection also makes a gate for what attention puts out."""

DELTA_NET = ("qwen3_5_text",)
"""Model types whose layers of linear attention are counted here."""


class Linear(NamedTuple):
    """A linear layer."""

    inputs: int
    outputs: int
    bias: bool = False

    @property
    def weights(self) -> int:
        """What 4-bit loading shrinks, and an adapter stands beside; not the bias."""
        return self.inputs * self.outputs


class Block(NamedTuple):
    """One of the layers that lie upon each other."""

    linears: dict[str, Linear]
    """By their path in the block, such as `self_attn.q_proj`."""
    others: int
    """Parameters outside of them: norms, a convolution, decays."""
    kept: int
    """Numbers that a token leaves for the backward pass."""
    state: int = 0
    """Width of the values over all heads of a linear attention; 0: the block attends to all tokens."""


class Shape(NamedTuple):
    """What a model's configuration says about sizes."""

    hidden: int
    vocabulary: int
    tied: bool
    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, config: PreTrainedConfig) -> "Shape":
        """From the configuration of a text model.

        Raises:
            UserError: it is built of other layers than are known here.
        """
        if any(not isinstance(getattr(config, size, None), int) for size in SIZES):
            raise UserError(f"A model of the type {config.model_type} is built in another way than Qwen's.", DENSE_TEXT)
        kinds = getattr(config, "layer_types", None) or ["full_attention"] * config.num_hidden_layers
        made = {kind: _block(config, kind) for kind in set(kinds)}
        return cls(
            hidden=config.hidden_size,
            vocabulary=config.vocab_size,
            tied=bool(config.tie_word_embeddings),
            blocks=tuple(made[kind] for kind in kinds),
        )

    @property
    def linear_layers(self) -> tuple[str, ...]:
        """The names of the linear layers of the blocks, which `all-linear` stands for; the output head is none."""
        return tuple(dict.fromkeys(path.rpartition(".")[2] for block in self.blocks for path in block.linears))

    @property
    def linear_parameters(self) -> int:
        """Weights in the blocks' linear layers: what 4-bit loading shrinks."""
        return sum(linear.weights for block in self.blocks for linear in block.linears.values())

    @property
    def embedding_parameters(self) -> int:
        """Embedding and output head, which stay in 16 bits."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    @property
    def parameters(self) -> int:
        """All of them, as the loaded model has them."""
        biases = sum(linear.outputs for block in self.blocks for linear in block.linears.values() if linear.bias)
        others = sum(block.others for block in self.blocks) + self.hidden
        return self.linear_parameters + biases + others + self.embedding_parameters

    @property
    def has_linear_attention(self) -> bool:
        """Whether layers carry a state from token to token, instead of attending to all that came before."""
        return any(block.state for block in self.blocks)

    def adapted(self, targets: Sequence[str]) -> dict[str, Linear]:
        """The linear layers that peft puts an adapter on, by path: those whose path is a target, or ends with one."""
        paths = {
            f"model.layers.{number}.{name}": linear
            for number, block in enumerate(self.blocks)
            for name, linear in block.linears.items()
        }
        ends = tuple(f".{target}" for target in targets)
        return {path: linear for path, linear in paths.items() if f".{path}".endswith(ends)}

    def lora_parameters(self, r: int, targets: Sequence[str]) -> int:
        """Parameters of an adapter of rank `r`."""
        return sum(r * (linear.inputs + linear.outputs) for linear in self.adapted(targets).values())


def linear_layers(model: Any) -> tuple[str, ...]:
    """The names of the linear layers of a loaded model's blocks; the output head is none."""
    head = model.get_output_embeddings()
    found = (name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and module != head)
    return tuple(dict.fromkeys(name.rpartition(".")[2] for name in found))


def _block(config: PreTrainedConfig, kind: str) -> Block:
    hidden, inner = config.hidden_size, config.intermediate_size
    bias = bool(getattr(config, "mlp_bias", False))
    mlp = {
        "mlp.gate_proj": Linear(hidden, inner, bias),
        "mlp.up_proj": Linear(hidden, inner, bias),
        "mlp.down_proj": Linear(inner, hidden, bias),
    }
    if kind in ("full_attention", "sliding_attention"):
        mixer = _attention(config)
    elif kind == "linear_attention" and config.model_type in DELTA_NET:
        mixer = _delta_net(config)
    else:
        raise UserError(
            f"A model of the type {config.model_type} has layers of the kind {kind}, which are not known here.",
            DENSE_TEXT,
        )
    # Of the norms, the residuals and the MLP: inputs, outputs, and the two factors of the gated product.
    kept = 6 * hidden + 4 * inner + mixer.kept
    return Block(mixer.linears | mlp, mixer.others + 2 * hidden, kept, mixer.state)


def _attention(config: PreTrainedConfig) -> Block:
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    queries, keys = heads * size, (getattr(config, "num_key_value_heads", None) or heads) * size
    gated = 2 if config.model_type in OUTPUT_GATE else 1
    both = bool(getattr(config, "attention_bias", False))
    bias = both or config.model_type == "qwen2"
    return Block(
        linears={
            "self_attn.q_proj": Linear(config.hidden_size, gated * queries, bias),
            "self_attn.k_proj": Linear(config.hidden_size, keys, bias),
            "self_attn.v_proj": Linear(config.hidden_size, keys, bias),
            "self_attn.o_proj": Linear(queries, config.hidden_size, both),
        },
        others=2 * size if config.model_type in QUERY_KEY_NORMS else 0,
        kept=2 * gated * queries + 2 * keys,
    )


def _delta_net(config: PreTrainedConfig) -> Block:
    """A Gated DeltaNet (arXiv 2412.06464)."""
    heads, hidden = config.linear_num_value_heads, config.hidden_size
    keys = config.linear_num_key_heads * config.linear_key_head_dim
    values = heads * config.linear_value_head_dim
    mixed = 2 * keys + values  # queries, keys and values, which pass through the convolution together
    return Block(
        linears={
            "linear_attn.in_proj_qkv": Linear(hidden, mixed),
            "linear_attn.in_proj_z": Linear(hidden, values),
            "linear_attn.in_proj_b": Linear(hidden, heads),
            "linear_attn.in_proj_a": Linear(hidden, heads),
            "linear_attn.out_proj": Linear(values, hidden),
        },
        others=mixed * config.linear_conv_kernel_dim + 2 * heads + config.linear_value_head_dim,
        # Before and after the convolution; queries and keys once for each head of values; the gate, what comes out,
        # and the same normed.
        kept=2 * mixed + 2 * heads * config.linear_key_head_dim + 3 * values,
        state=values,
    )
