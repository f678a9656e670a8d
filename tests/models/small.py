"""Random models of each Qwen family in a few hundred kilobytes, laid out as the published ones are: good at nothing.

The bundled model's tokenizer, with Qwen3's marks of thinking where the family has them; the family's own template, as
TRL ships it; a Qwen3.5 with its vision tower and its multi-token prediction, which text alone has no use for.
"""

import json
from pathlib import Path
from typing import Any, Literal

import torch
import transformers
import trl
from safetensors.torch import load_file, save_file
from transformers import AddedToken, AutoTokenizer, GenerationConfig, PreTrainedConfig

from qwenlab.tiny import MODEL_DIR

Family = Literal["qwen2.5", "qwen3", "qwen3.5"]

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
TEMPLATE_OF: dict[Family, str] = {"qwen2.5": "qwen2_5", "qwen3": "qwen3", "qwen3.5": "qwen3_5_think"}

SIZES: dict[str, Any] = {
    "vocab_size": 1040,  # a few rows more than the tokenizer has tokens, as everywhere
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
}
HYBRID: dict[str, Any] = {
    "num_hidden_layers": 4,  # three of linear attention, then one of full attention
    "head_dim": 32,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    # A quarter of a head turns: 4 pairs, shared out among text, height and width.
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10_000_000,
        "partial_rotary_factor": 0.25,
        "mrope_section": [2, 1, 1],
        "mrope_interleaved": True,
    },
}
VISION: dict[str, Any] = {
    "depth": 1,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_heads": 2,
    "num_position_embeddings": 16,
}


def small_model(folder: Path, family: Family, *, template: str = "", seed: int = 0, **sizes: Any) -> Path:
    """Write one to `folder`.

    Args:
        template: another of TRL's templates by its name, such as `qwen3_8`.
        sizes: settings of its configuration, of a Qwen3.5 that of its text, such as `num_hidden_layers=8`.
    """
    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
    if family != "qwen2.5":
        tokenizer.add_tokens([AddedToken(mark, normalized=False) for mark in ("<think>", "</think>")])
    tokenizer.chat_template = (TEMPLATES / f"{template or TEMPLATE_OF[family]}.jinja").read_text(encoding="utf-8")
    tokenizer.save_pretrained(folder)

    torch.manual_seed(seed)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    config = _config(family, ends | sizes)
    model = getattr(transformers, config.architectures[0])._from_config(config, dtype=torch.bfloat16)
    for name, parameter in model.named_parameters():
        # Published models are far from the small random start, from which all layers together change hardly a word,
        # and every word is as likely as the next.
        if name.endswith(("proj.weight", "embed_tokens.weight", "lm_head.weight")):
            torch.nn.init.normal_(parameter, std=0.2)
    both = [tokenizer.eos_token_id, tokenizer.pad_token_id]
    model.generation_config = GenerationConfig(eos_token_id=both, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder)
    if family == "qwen3.5":
        _add_prediction_head(folder, config.text_config.hidden_size)
    return folder


def _config(family: Family, sizes: dict[str, Any]) -> PreTrainedConfig:
    if family == "qwen2.5":
        return transformers.Qwen2Config(**(SIZES | sizes), architectures=["Qwen2ForCausalLM"])
    if family == "qwen3":
        return transformers.Qwen3Config(**(SIZES | {"head_dim": 32} | sizes), architectures=["Qwen3ForCausalLM"])
    text = SIZES | HYBRID | sizes
    return transformers.Qwen3_5Config(
        text_config=text,
        vision_config=VISION | {"out_hidden_size": text["hidden_size"]},
        tie_word_embeddings=text["tie_word_embeddings"],
        architectures=["Qwen3_5ForConditionalGeneration"],
    )


def _add_prediction_head(folder: Path, hidden: int) -> None:
    """The weights of multi-token prediction, which transformers has no module for and leaves out."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["text_config"]["mtp_num_hidden_layers"] = 1
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    weights = load_file(folder / "model.safetensors")
    weights["mtp.fc.weight"] = torch.zeros(hidden, 2 * hidden)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
