"""Random weights of published shapes, and an adapter for them: nothing is downloaded.

    python -m bench.gpu.weights qwen2.5-7b FOLDER

Speed and memory depend on shapes and not on what the weights are. Each layer is drawn on the GPU where there is one,
and written as a file of its own, so that neither the card nor the machine has to hold the whole model. The tokenizer is
the bundled model's.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.gpu.lab import Lab, StepError, slug
from bench.gpu.results import Weights
from qwenlab import cli
from qwenlab.tiny import MODEL_DIR

QWEN25_7B = {
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
    "rope_parameters": {"rope_theta": 1e6, "rope_type": "default"},
    "tie_word_embeddings": False,
}
QWEN3_4B = {
    "model_type": "qwen3",
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "rope_parameters": {"rope_theta": 1e6, "rope_type": "default"},
    "tie_word_embeddings": True,
}
SHAPES: dict[str, dict[str, Any]] = {
    "qwen2.5-7b": QWEN25_7B,
    "qwen2.5-7b, 4 layers": QWEN25_7B | {"num_hidden_layers": 4},
    "qwen3-4b": QWEN3_4B,
}
"""What config.json says of each, as published; the second keeps the first four of the 28 layers."""

VERY_SMALL = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 1024,
}
"""What a dry run changes in a shape."""

ADAPTER: dict[str, Any] = {
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
    "r": 16,
    "lora_alpha": 32,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj"],
}
"""What adapter_config.json says: as default.toml trains it."""

COPIED = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json")
INDEX = "model.safetensors.index.json"
STD = 0.02  # as Qwen's own configurations initialise


def make_weights(lab: Lab, name: str, until: float) -> tuple[Path, Weights]:
    """The folder of random weights of that shape, written by the first who asks.

    Raises:
        StepError: they could not be written.
    """
    folder = lab.work / slug(f"dry {name}" if lab.dry else name)

    def make() -> Path:
        if not (folder / INDEX).exists():
            ended = lab.child("bench.gpu.weights", [name, folder, *(["--dry"] if lab.dry else [])], name, until)
            if ended.code:
                raise StepError(ended.tail)
        return folder

    lab.once(name, make)
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return folder, Weights(gb=round(size / 1e9, 2))


def main(
    name: Annotated[str, typer.Argument(help="One of: " + "; ".join(SHAPES))],
    folder: Annotated[Path, typer.Argument(help="Made where it is not there.")],
    dry: Annotated[bool, typer.Option("--dry", help="Very small, on the CPU.")] = False,
) -> None:
    """Write a model of random weights, and an adapter of random weights into its folder `adapter`."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModelForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    for file in COPIED:
        shutil.copyfile(MODEL_DIR / file, folder / file)
    shape = SHAPES[name] | (VERY_SMALL if dry else {})
    ends = json.loads((MODEL_DIR / "config.json").read_text(encoding="utf-8"))
    config = AutoConfig.for_model(
        **shape, dtype="bfloat16", eos_token_id=ends["eos_token_id"], pad_token_id=ends["pad_token_id"]
    )
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)

    device = "cpu" if dry or not torch.cuda.is_available() else "cuda"
    generator = torch.Generator(device).manual_seed(7)

    def drawn(shape: tuple[int, ...], std: float, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device=device).normal_(0, std, generator=generator).cpu()

    # What adds to the residual stream is drawn smaller, so that the sum of all layers stays within float16.
    deep = STD / (2 * config.num_hidden_layers) ** 0.5
    files: dict[str, dict[str, torch.Size]] = {}
    for key, tensor in model.state_dict().items():
        if key != "lm_head.weight" or not config.tie_word_embeddings:
            parts = key.split(".")
            file = f"layer-{int(parts[2]):02}.safetensors" if parts[1] == "layers" else f"{parts[-2]}.safetensors"
            files.setdefault(file, {})[key] = tensor.shape
    places: dict[str, str] = {}
    size = 0
    for file, shapes in files.items():
        tensors = {}
        for key, dimensions in shapes.items():
            if key.endswith("norm.weight"):
                tensors[key] = torch.ones(dimensions, dtype=torch.bfloat16)
            else:
                tensors[key] = drawn(dimensions, deep if "o_proj" in key or "down_proj" in key else STD)
        save_file(tensors, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(tensors, file)
        size += sum(tensor.nbytes for tensor in tensors.values())

    adapter = {}
    for key, tensor in model.state_dict().items():
        if key.split(".")[-2] in ADAPTER["target_modules"] and key.endswith("weight"):
            outputs, inputs = tensor.shape
            stem = f"base_model.model.{key.removesuffix('.weight')}"
            adapter[f"{stem}.lora_A.weight"] = drawn((ADAPTER["r"], inputs), STD, torch.float32)
            adapter[f"{stem}.lora_B.weight"] = drawn((outputs, ADAPTER["r"]), STD, torch.float32)
    (folder / "adapter").mkdir(exist_ok=True)
    save_file(adapter, folder / "adapter" / "adapter_model.safetensors", metadata={"format": "pt"})
    config_file = folder / "adapter" / "adapter_config.json"
    config_file.write_text(json.dumps(ADAPTER | {"base_model_name_or_path": str(folder)}), encoding="utf-8")

    # Last: a folder that has it is whole.
    index = {"metadata": {"total_size": size}, "weight_map": places}
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")


if __name__ == "__main__":
    cli.run(main, "python -m bench.gpu.weights")
