"""The shapes of published Qwens, as their configurations have them."""

from typing import Any

from transformers import AutoConfig, PreTrainedConfig

_QWEN25 = {"model_type": "qwen2", "max_position_embeddings": 32768}
_QWEN3 = {"model_type": "qwen3", "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960}
_QWEN35 = {
    "model_type": "qwen3_5_text",
    "head_dim": 256,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 16,
    "vocab_size": 248320,
    "max_position_embeddings": 262144,
}

PUBLISHED: dict[str, dict[str, Any]] = {
    "Qwen2.5-7B": _QWEN25
    | {
        "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
        "intermediate_size": 18944, "vocab_size": 152064, "tie_word_embeddings": False,
    },
    "Qwen2.5-1.5B": _QWEN25
    | {
        "hidden_size": 1536, "num_hidden_layers": 28, "num_attention_heads": 12, "num_key_value_heads": 2,
        "intermediate_size": 8960, "vocab_size": 151936, "tie_word_embeddings": True,
    },
    "Qwen3-4B": _QWEN3
    | {
        "hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
        "intermediate_size": 9728, "tie_word_embeddings": True,
    },
    "Qwen3-8B": _QWEN3
    | {
        "hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
        "intermediate_size": 12288, "tie_word_embeddings": False,
    },
    "Qwen3.5-0.8B": _QWEN35
    | {
        "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 8, "num_key_value_heads": 2,
        "intermediate_size": 3584, "linear_num_value_heads": 16, "tie_word_embeddings": True,
    },
    "Qwen3.5-2B": _QWEN35
    | {
        "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 8, "num_key_value_heads": 2,
        "intermediate_size": 6144, "linear_num_value_heads": 16, "tie_word_embeddings": True,
    },
    "Qwen3.5-4B": _QWEN35
    | {
        "hidden_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 16, "num_key_value_heads": 4,
        "intermediate_size": 9216, "linear_num_value_heads": 32, "tie_word_embeddings": True,
    },
    "Qwen3.5-9B": _QWEN35
    | {
        "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 16, "num_key_value_heads": 4,
        "intermediate_size": 12288, "linear_num_value_heads": 32, "tie_word_embeddings": False,
    },
}  # fmt: skip


def published(name: str, **changes: Any) -> PreTrainedConfig:
    """The configuration of the text of one, by its name."""
    settings = PUBLISHED[name] | changes
    return AutoConfig.for_model(**settings)
