"""The memory estimate and the plan: shapes counted by hand."""

import pytest

from bench.gpu.results import Trained, read_results
from qwenlab.recipe import Recipe, read_recipe
from qwenlab.training.estimate import CONTEXT_GB, estimate_memory, verdict
from qwenlab.training.plan import total_steps
from qwenlab.training.shape import Shape
from tests.conftest import ROOT
from tests.models.published import published

SEVEN = Shape.of(published("Qwen2.5-7B"))


def test_lora_parameters_are_rank_times_inputs_and_outputs() -> None:
    attention = 16 * ((3584 + 3584) + 2 * (3584 + 512) + (3584 + 3584))
    assert SEVEN.lora_parameters(16, ("q_proj", "k_proj", "v_proj", "o_proj")) == 28 * attention


def test_each_setting_moves_the_part_that_it_should() -> None:
    shape, recipe = SEVEN, Recipe()
    full = estimate_memory(shape, recipe)
    four_bit = estimate_memory(shape, recipe.with_values(model={"load_in_4bit": True}))
    assert four_bit.weights < 0.5 * full.weights
    assert four_bit._replace(weights=full.weights) == full
    small_batch = estimate_memory(shape, recipe.with_values(train={"per_device_train_batch_size": 1}))
    assert small_batch.activations == pytest.approx(full.activations / 4)
    assert small_batch.weights == full.weights
    open_layers = estimate_memory(shape, recipe.with_values(train={"gradient_checkpointing": False}))
    assert open_layers.activations > 10 * full.activations
    assert estimate_memory(shape, recipe, unsloth=False).activations > full.activations
    paged_8bit = estimate_memory(shape, recipe.with_values(train={"optim": "paged_adamw_8bit"}))
    assert paged_8bit.adapter == pytest.approx(full.adapter * 10 / 16)


def test_the_loss_takes_what_each_engine_gives_it() -> None:
    shape, recipe = SEVEN, Recipe().with_values(train={"gradient_checkpointing": False})
    hidden = 2048 * 4 * 3584 * 8 / 1e9
    assert estimate_memory(shape, recipe).logits == pytest.approx(2**30 / 1e9 + hidden)
    assert estimate_memory(shape, recipe, unsloth=False).logits == pytest.approx(256 * 152064 * 12 / 1e9 + hidden)


def test_the_loss_and_the_open_block_are_not_there_at_the_same_time() -> None:
    recipe = Recipe()
    assert estimate_memory(SEVEN, recipe).logits == 0, "a block of 8,192 tokens is more than the loss of one chunk"
    short = estimate_memory(SEVEN, recipe.with_values(data={"max_length": 64}))
    assert short.activations + short.logits == pytest.approx((2**30 + 64 * 4 * 3584 * 8) / 1e9)


MEASURED = ROOT / "docs" / "measured" / "2026-11-27-h200.jsonl"
EMBEDDING_GB = 152064 * 3584 * 2 / 1e9
ON_A_CARD: list[tuple[str, str, str, float]] = [
    ("default.toml: unsloth", "default", "Qwen2.5-7B", 0),
    ("default.toml: unsloth, as on 24 GB", "default", "Qwen2.5-7B", EMBEDDING_GB),
    ("default.toml: transformers, as on 24 GB", "default", "Qwen2.5-7B", 0),
    ("default.toml: unsloth in 4 bits, as on 12 GB", "default", "Qwen2.5-7B", EMBEDDING_GB),
    ("fast.toml: unsloth, packed", "fast", "Qwen2.5-7B", 0),
    ("small_gpu.toml: unsloth, as on 8 GB", "small_gpu", "Qwen3-4B", 0),
]
"""Step, recipe, shape, and what Unsloth moved to the machine's memory: it took the bench's limit off twice then."""


@pytest.mark.parametrize(("step", "recipe", "shape", "moved_gb"), ON_A_CARD)
def test_it_is_what_was_measured_and_up_to_a_tenth_more(step: str, recipe: str, shape: str, moved_gb: float) -> None:
    measured = {result.step: result.figures for result in read_results(MEASURED)}[step]
    assert isinstance(measured, Trained) and measured.reserved_gb
    values = {"load_in_4bit": True} if "4 bits" in step else {}
    read = read_recipe(ROOT / "recipes" / f"{recipe}.toml")
    read = read.with_values(model=values) if values else read
    estimate = estimate_memory(Shape.of(published(shape)), read, unsloth=measured.engine == "unsloth")
    taken = measured.reserved_gb + moved_gb + CONTEXT_GB
    assert 1 <= estimate.total / taken <= 1.1, estimate


def test_the_16_bit_7b_of_the_document_wants_a_24_gb_card_and_4_bits_a_12_gb_one() -> None:
    shape, recipe = SEVEN, Recipe()
    assert verdict(estimate_memory(shape, recipe).total, 16.0) == "will not fit"
    assert verdict(estimate_memory(shape, recipe).total, 24.0) in ("fits", "tight")
    small = recipe.with_values(model={"load_in_4bit": True}, train={"per_device_train_batch_size": 2})
    assert verdict(estimate_memory(shape, small).total, 12.0) in ("fits", "tight")


def test_linear_attention_without_its_kernels_keeps_more() -> None:
    shape = Shape.of(published("Qwen3.5-4B"))
    recipe = Recipe().with_values(lora={"target_modules": "all-linear"}, train={"gradient_checkpointing": False})
    with_kernels = estimate_memory(shape, recipe)
    without = estimate_memory(shape, recipe, kernels=False)
    per_token = 24 * 4096 * 15 * 4  # layers, values, numbers of 32 bits
    assert without.activations - with_kernels.activations == pytest.approx(2048 * 4 * per_token / 1e9)
    assert without._replace(activations=with_kernels.activations) == with_kernels
    assert estimate_memory(SEVEN, recipe, kernels=False) == estimate_memory(SEVEN, recipe)


def test_verdicts() -> None:
    assert [verdict(needed, 10) for needed in (5, 9.5, 10.5)] == ["fits", "tight", "will not fit"]


@pytest.mark.parametrize(
    ("rows", "settings", "steps"),
    [
        (190_000, {}, 35_625),  # 47,500 batches of 4, 11,875 steps an epoch, 3 epochs
        (10, {}, 3),  # 3 batches, one short accumulation
        (10, {"max_steps": 7}, 7),
        (33, {"num_train_epochs": 1.0}, 3),
    ],
)
def test_steps_are_counted_as_the_trainer_counts_them(rows: int, settings: dict[str, float], steps: int) -> None:
    assert total_steps(Recipe().with_values(train=settings), rows) == steps
