"""Each row goes through its own adapter as peft's would, at the cost of its own batch and of no other's."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import IA3Config, LoraConfig, get_peft_model
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AutoModelForCausalLM

from qwenlab.answering.answerer import BASE, Ask, Sampling
from qwenlab.errors import UserError
from qwenlab.inference.generate import generate
from qwenlab.inference.load import Inference, load_inference
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.training.engine import Engine
from tests.models.adapters import random_adapter
from tests.models.random_rows import TINY

IDS = torch.tensor([[5, 6, 7, 8, 9], [0, 0, 7, 8, 9], [0, 3, 4, 8, 7], [0, 0, 0, 0, 9]])
NEXT = torch.tensor([[3], [4], [5], [6]])
MIXED = (["one", BASE, "two", "one"], [BASE, "one", "one", "two"], ["narrow", "two", BASE, "narrow"])
LAYERS = 14  # seven in each of two blocks

FLOAT32 = Engine("transformers", "", "cpu", "float32")
BFLOAT16 = Engine("transformers", "", "cpu", "bfloat16")
CUDA_FLOAT16 = Engine("transformers", "", "cuda", "float16")
CUDA_BFLOAT16 = Engine("transformers", "", "cuda", "bfloat16")


@pytest.fixture(scope="module")
def tiny(qwen: Path) -> Recipe:
    return read_recipe(TINY).with_values(
        model={"name": str(qwen), "engine": "transformers"}, lora={"target_modules": "all-linear"}
    )


@pytest.fixture(scope="module")
def adapters(tiny: Recipe, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two of all linear layers, the second with rank-stabilised scaling and dropout; one of few layers."""
    folder = tmp_path_factory.mktemp("adapters")
    narrow = tiny.with_values(lora={"target_modules": ["q_proj", "down_proj"], "r": 3, "lora_alpha": 5})
    for seed, (name, recipe) in enumerate({"one": tiny, "two": tiny, "narrow": narrow}.items()):
        random_adapter(recipe, engine, seed, strength=0.1).save_adapter(folder / name)
    configure(folder / "two", use_rslora=True, lora_dropout=0.5, lora_alpha=3)
    return {name: folder / name for name in ("one", "two", "narrow")}


@pytest.fixture(scope="module")
def loaded(tiny: Recipe, engine: Engine, adapters: dict[str, Path]) -> Inference:
    return load_inference(tiny.model, engine, adapters)


@pytest.fixture(scope="module")
def alone(tiny: Recipe, engine: Engine) -> Inference:
    return load_inference(tiny.model, engine, {})


def configure(adapter: Path, **values: Any) -> None:
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def lora_layers(loaded: Inference) -> list[Any]:
    return [module for module in loaded.model.modules() if hasattr(module, "lora_A")]


def read(loaded: Inference, **arguments: Any) -> torch.Tensor:
    """Logits of a batch of prompts and of one token more after each."""
    ids, following = IDS.to(loaded.model.device), NEXT.to(loaded.model.device)
    mask = (ids > 0).long()
    with torch.inference_mode():
        prompt = loaded.model(input_ids=ids, attention_mask=mask, **arguments)
        longer = torch.cat([mask, torch.ones_like(following)], dim=1)
        more = loaded.model(
            input_ids=following, attention_mask=longer, past_key_values=prompt.past_key_values, **arguments
        )
    return torch.cat([prompt.logits, more.logits], dim=1).float()


def logits(loaded: Inference, names: Sequence[str]) -> torch.Tensor:
    with loaded.answering(names):
        return read(loaded)


class Operations(TorchDispatchMode):  # type: ignore[misc]
    """Counts what PyTorch is asked to compute, by its own names."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def operations(loaded: Inference, names: Sequence[str], tokens: int = 3) -> Counter[str]:
    """Of a whole batch of answers."""
    asks = [Ask([{"role": "user", "content": "hello"}], Sampling(tokens), name) for name in names]
    loaded.model.generation_config.eos_token_id = None
    loaded.end_tokens = frozenset()
    found = Operations()
    with found:
        generate(loaded, asks)
    return found.counts


def test_a_batch_of_the_base_computes_what_a_model_without_adapters_does(loaded: Inference, alone: Inference) -> None:
    assert operations(loaded, [BASE] * 4) == operations(alone, [BASE] * 4)


def test_a_batch_of_one_adapter_is_not_routed(loaded: Inference, alone: Inference) -> None:
    tokens = 3
    more = operations(loaded, ["one"] * 4, tokens) - operations(alone, [BASE] * 4, tokens)
    assert more["addmm_"] == LAYERS * tokens, "the adapter is there"
    assert set(more) <= {"addmm_", "flatten", "linear", "mm", "slice", "t", "view"}, "no indices, and no copies"


@pytest.mark.parametrize("tokens", [1, 5])
def test_the_rows_of_a_mixed_batch_are_found_once(loaded: Inference, alone: Inference, tokens: int) -> None:
    """One tensor of row numbers for each adapter, and none where an adapter's rows lie together."""
    names = ["one", "two", "one", BASE, "two", "narrow"]
    more = operations(loaded, names, tokens) - operations(alone, [BASE] * len(names), tokens)
    assert more["index_select"] == more["index_add_"] == 2 * LAYERS * tokens
    assert more["lift_fresh"] == 2, "tensors made from Python's numbers"
    assert not more["index"] + more["index_put_"] + more["to"]


@pytest.mark.parametrize("names", MIXED)
def test_a_mixed_batch_answers_as_peft_does(loaded: Inference, names: list[str]) -> None:
    keys = ["__base__" if key is None else key for key in (loaded._keys[name] for name in names)]
    for layer in lora_layers(loaded):
        layer.enable_adapters(True)
    try:
        theirs = read(loaded, adapter_names=keys)
    finally:
        for layer in lora_layers(loaded):
            layer.enable_adapters(False)
    torch.testing.assert_close(logits(loaded, names), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("computing", "share"),
    [
        (FLOAT32, 1e-5),
        pytest.param(CUDA_FLOAT16, 0.02, marks=pytest.mark.gpu),
        pytest.param(CUDA_BFLOAT16, 0.1, marks=pytest.mark.gpu),
    ],
    ids=["cpu", "float16", "bfloat16"],
)
@pytest.mark.parametrize("names", MIXED)
def test_a_row_of_a_mixed_batch_answers_as_in_its_own(
    tiny: Recipe, adapters: dict[str, Path], computing: Engine, share: float, names: list[str]
) -> None:
    loaded = load_inference(tiny.model, computing, adapters)
    single = {name: logits(loaded, [name] * 4) for name in loaded.names}
    mixed = logits(loaded, names)
    for row, name in enumerate(names):
        assert (mixed[row] - single[name][row]).abs().max() < share * single[name].std()
        assert name == BASE or (mixed[row] - single[BASE][row]).abs().max() > 0.2 * single[BASE].std()
    assert all(torch.equal(mixed[row], single[BASE][row]) for row, name in enumerate(names) if name == BASE)


def test_no_adapter_reaches_the_base_s_rows_whatever_it_computes(
    tiny: Recipe, engine: Engine, adapters: dict[str, Path], alone: Inference
) -> None:
    loaded = load_inference(tiny.model, engine, adapters)
    for layer in lora_layers(loaded):
        layer.lora_B["adapter0"].weight.data.fill_(torch.nan)
    for names in (["one", BASE, "one", BASE], [BASE, BASE, BASE, "one"]):
        rows = [row for row, name in enumerate(names) if name == BASE]
        mixed = logits(loaded, names)
        assert torch.equal(mixed[rows], logits(alone, [BASE] * 4)[rows])
        assert mixed[names.index("one")].isnan().all()


@pytest.mark.parametrize(
    ("computing", "in_4bit"),
    [
        (FLOAT32, False),
        (BFLOAT16, False),
        pytest.param(CUDA_FLOAT16, False, marks=pytest.mark.gpu),
        pytest.param(CUDA_FLOAT16, True, marks=pytest.mark.gpu),
        pytest.param(CUDA_BFLOAT16, True, marks=pytest.mark.gpu),
    ],
)
def test_adapters_have_the_precision_that_the_model_computes_in(
    tiny: Recipe, adapters: dict[str, Path], computing: Engine, in_4bit: bool
) -> None:
    loaded = load_inference(tiny.model.model_copy(update={"load_in_4bit": in_4bit}), computing, adapters)
    found = {parameter.dtype for name, parameter in loaded.model.named_parameters() if "lora_" in name}
    assert found == {loaded.model.dtype} == {getattr(torch, computing.dtype)}
    assert logits(loaded, MIXED[0]).isfinite().all()


def test_in_16_bits_nothing_is_computed_in_more(tiny: Recipe, adapters: dict[str, Path]) -> None:
    loaded, alone = (load_inference(tiny.model, BFLOAT16, named) for named in (adapters, {}))
    names = ["one", "two", "one", "two"]
    more = operations(loaded, names) - operations(alone, [BASE] * 4)
    assert more["index_add_"] and not more["to"] + more["_to_copy"]


def test_after_a_batch_that_failed_the_base_answers(loaded: Inference, alone: Inference) -> None:
    with pytest.raises(ConnectionError), loaded.answering(["one"] * 4):
        raise ConnectionError
    assert torch.equal(read(loaded), read(alone))
    assert torch.equal(logits(loaded, [BASE] * 4), read(alone))


def test_two_batches_at_once_are_an_error(loaded: Inference) -> None:
    with loaded.answering(["one"] * 4):
        before = read(loaded)
        with pytest.raises(RuntimeError, match="one batch at a time"), loaded.answering([BASE]):
            pass
        assert torch.equal(read(loaded), before), "the first one goes on"


def test_an_unknown_name_is_an_error_with_and_without_adapters(loaded: Inference, alone: Inference) -> None:
    for one in (loaded, alone):
        with pytest.raises(KeyError):
            one.answering([BASE, "three"])


def test_a_layer_that_reads_no_rows_is_an_error(loaded: Inference) -> None:
    """As one that mixes the tokens of all rows: which of them are the adapter's cannot be told."""
    with loaded.answering([BASE, "one"]), pytest.raises(ValueError, match="10 rows of a batch of 2"):
        lora_layers(loaded)[0](torch.zeros(10, 64))


@pytest.mark.parametrize(
    "values",
    [
        {"use_dora": True},
        {"lora_bias": True},
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"layer_replication": [[0, 2], [1, 2]]},
        {"init_lora_weights": "pissa_niter_4"},
        {"alora_invocation_tokens": [1]},
    ],
    ids=lambda values: next(iter(values)),
)
def test_what_is_more_than_lora_is_refused(
    tiny: Recipe, engine: Engine, adapters: dict[str, Path], tmp_path: Path, values: dict[str, Any]
) -> None:
    adapter = shutil.copytree(adapters["one"], tmp_path / "adapter")
    configure(adapter, **values)
    [[key, _]] = values.items()
    with pytest.raises(UserError, match=f"not LoRA on linear layers alone: {key} = "):
        load_inference(tiny.model, engine, {"more": adapter})


@pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`")
@pytest.mark.parametrize(
    ("config", "message"),
    [
        (LoraConfig(target_modules=["embed_tokens"], task_type="CAUSAL_LM"), "embed_tokens is not LoRA on a linear"),
        (IA3Config(task_type="CAUSAL_LM"), "peft_type = 'IA3'"),
    ],
    ids=["embedding", "IA3"],
)
def test_what_is_no_lora_on_linear_layers_is_refused(
    tiny: Recipe, engine: Engine, qwen: Path, tmp_path: Path, config: Any, message: str
) -> None:
    adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(qwen), config)
    adapted.save_pretrained(tmp_path, save_embedding_layers=False)
    with pytest.raises(UserError, match=message):
        load_inference(tiny.model, engine, {"more": tmp_path})
