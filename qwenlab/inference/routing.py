"""Which adapter answers which row of a batch.

peft mixes adapters by a list of names, which each layer turns into Python lists of row numbers at each token: a GPU is
handed every one of them, and waits. Here peft's layers stay switched off and compute the base; hooks on them add what
an adapter adds to its own rows, and which rows those are is found out once a batch. No adapter touches a row of the
base's, whatever it computes.
"""

import contextlib
import dataclasses
import functools
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig
from peft.tuners.lora import LoraLayer

from qwenlab.errors import UserError
from qwenlab.training.load import read_adapter

LEAVES_BASE = (True, False, "gaussian", "orthogonal", "eva")
"""Ways to begin an adapter; the others take its beginning out of the base's weights, also when it is loaded."""

MORE_THAN_LORA = ("layer_replication", "lora_bias", "modules_to_save", "target_parameters", "trainable_token_indices")
"""What changes the base itself, or adds more to it than two matrices to a linear layer. peft marks the variants."""

MERGE_IT = "Merge it into its base with peft, and name the merged model."


class _Part(NamedTuple):
    """What an adapter adds to its rows in one layer: what they read, times `down`, times `up`, times `scaling`."""

    rows: slice | torch.Tensor
    down: torch.Tensor
    """Of shape (rank, width read)."""
    up: torch.Tensor
    """Of shape (width written, rank)."""
    scaling: float


class Router:
    """Sends the rows of a batch through their adapters, of one batch at a time; else the base alone answers."""

    def __init__(self, model: Any, dtype: torch.dtype) -> None:
        """Take the adapters over from peft, in the precision that the model computes in.

        Raises:
            UserError: an adapter does something else than LoRA, or to something else than a linear layer.
        """
        layers = {name: module for name, module in model.named_modules() if isinstance(module, LoraLayer)}
        for name, layer in layers.items():
            if layer.lora_variant or not isinstance(layer.get_base_layer(), torch.nn.Linear):
                raise UserError(f"What an adapter does to {name} is not LoRA on a linear layer.", MERGE_IT)
            layer.enable_adapters(False)
            layer.lora_A.to(dtype)
            layer.lora_B.to(dtype)
        self._layers = list(layers.values())
        self._free = threading.Lock()

    @contextlib.contextmanager
    def answering(self, keys: Sequence[str | None]) -> Iterator[None]:
        """Inside, the model answers batches whose rows are for these adapters, by peft's names; None: the base.

        Raises:
            RuntimeError: another batch is being answered.
        """
        if not self._free.acquire(blocking=False):
            raise RuntimeError("one batch at a time: the layers are shared")
        try:
            with contextlib.ExitStack() as hooks:
                for layer, parts in self._parts(keys):
                    hooks.enter_context(layer.register_forward_hook(functools.partial(_add, parts, len(keys))))
                yield
        finally:
            self._free.release()

    def _parts(self, keys: Sequence[str | None]) -> Iterator[tuple[LoraLayer, list[_Part]]]:
        """The layers in which something is added. An adapter need not be in all of them."""

        @functools.cache
        def rows(key: str, device: torch.device) -> slice | torch.Tensor:
            return _rows([row for row, one in enumerate(keys) if one == key], device)

        asked = [key for key in dict.fromkeys(keys) if key is not None]
        for layer in self._layers:
            parts = []
            for key in asked:
                if key in layer.lora_A:
                    down, up = layer.lora_A[key].weight, layer.lora_B[key].weight
                    parts.append(_Part(rows(key, down.device), down, up, layer.scaling[key]))
            if parts:
                yield layer, parts


def check_plain(folder: Path) -> None:
    """See to it, before an adapter is put on a base, that it adds LoRA to layers and leaves the base as it is.

    Raises:
        UserError: it does not; names the setting.
    """
    config = read_adapter(folder)
    if not isinstance(config, LoraConfig):
        raise _not_plain(folder, "peft_type", getattr(config.peft_type, "value", None))
    variants = [field.name for field in dataclasses.fields(config) if field.metadata.get("is_lora_variant")]
    for key in (*MORE_THAN_LORA, *variants):
        if value := getattr(config, key):
            raise _not_plain(folder, key, value)
    if config.bias != "none":
        raise _not_plain(folder, "bias", config.bias)
    if config.init_lora_weights not in LEAVES_BASE:
        raise _not_plain(folder, "init_lora_weights", config.init_lora_weights)


def _not_plain(folder: Path, key: str, value: object) -> UserError:
    return UserError(f"The adapter in {folder} is not LoRA on linear layers alone: {key} = {value!r}.", MERGE_IT)


def _rows(rows: list[int], device: torch.device) -> slice | torch.Tensor:
    """Rows that lie together need no copies."""
    if rows[-1] - rows[0] + 1 == len(rows):
        return slice(rows[0], rows[-1] + 1)
    return torch.tensor(rows, device=device)


def _add(parts: Sequence[_Part], batch: int, _: LoraLayer, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
    """Add to a layer's output, of shape (rows, tokens, width), what it read times the adapters."""
    [read] = inputs
    if len(read) != batch:
        raise ValueError(f"a layer reads {len(read)} rows of a batch of {batch}")
    for rows, down, up, scaling in parts:
        if isinstance(rows, slice):
            inner = torch.nn.functional.linear(read[rows], down).flatten(0, -2)
            # A view, or an error: never a copy, to which it would be added in vain.
            output[rows].view(-1, output.shape[-1]).addmm_(inner, up.t(), alpha=scaling)
        else:
            inner = torch.nn.functional.linear(read.index_select(0, rows), down)
            output.index_add_(0, rows, torch.nn.functional.linear(inner, up), alpha=scaling)
