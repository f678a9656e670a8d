"""Keys and values of what was read, kept with room for the tokens to come.

Transformers' own layer joins the old and the new at every token, and so copies all that was read so far each time.
"""

from typing import Any

import torch
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer

GROWTH_TOKENS = 128
"""Tokens that a layer has room for when it has grown: more would take memory that short answers never fill."""


def preallocated_cache(config: PreTrainedConfig) -> DynamicCache:
    """An empty cache for a model; a layer that keeps no more than a window or a state stays transformers' own."""
    cache = DynamicCache(config=config)
    cache.layers = [_RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


class _RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of shape (rows, heads, tokens, size) are the beginning of larger tensors."""

    keys: torch.Tensor
    values: torch.Tensor

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._key_room, self._value_room = key_states[:, :, :0], value_states[:, :, :0]
        known = self.get_seq_length()
        self.keys, self._key_room = _append(self.keys, known, self._key_room, key_states)
        self.values, self._value_room = _append(self.values, known, self._value_room, value_states)
        return self.keys, self.values


def _append(old: torch.Tensor, known: int, room: torch.Tensor, new: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Old and new in a row, and the room that they lie in: written in place where the old lies there and both fit."""
    tokens = known + new.shape[-2]
    # What else transformers does to a cache (reordering, repeating its rows) leaves the old outside of its room.
    if tokens > room.shape[-2] or (known and old.data_ptr() != room.data_ptr()):
        room = new.new_empty((*new.shape[:-2], tokens + GROWTH_TOKENS, new.shape[-1]))
        if known:
            room[..., :known, :] = old
    room[..., known:tokens, :] = new
    return room[..., :tokens, :], room
