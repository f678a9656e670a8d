"""Every setting once: its type, its bound, its default and its help.

The command line, the browser's form and the table in docs/recipe.md are made from these fields. Names are the ones of
transformers, peft and trl wherever those have one.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from qwenlab.errors import UserError
from qwenlab.recipe.faults import cut, refusal

ALL_LINEAR = "all-linear"
LINEAR_LAYERS = (
    *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    *("in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a", "out_proj"),
)
"""The linear layers of Qwen's blocks, to choose from; the last five are those of Qwen3.5's linear attention. Which ones
a model has, and `all-linear` stands for, the model itself says."""

TINY = "tiny"
"""The name of the bundled model, and of the bundled data: its mini contest."""


BITS = 64

Names = Annotated[tuple[str, ...], Field(strict=False, max_length=1000)]


class Section(BaseModel):
    """A table of the recipe. Frozen; unknown keys are refused; a string is never taken for a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ModelSettings(Section):
    """Which weights, and how they are loaded."""

    name: str = Field("Qwen/Qwen2.5-7B-Instruct", description="hub id or folder of the base model; `tiny` is bundled")
    revision: str = Field("main", description="branch, tag or commit of the hub model")
    engine: Literal["auto", "unsloth", "transformers"] = Field(
        "auto", description="auto: Unsloth on a GPU that it supports, plain TRL + PEFT elsewhere"
    )
    dtype: Literal["auto", "float16", "bfloat16", "float32"] = Field(
        "float16", description="precision of the weights and of mixed-precision training; a CPU computes in float32"
    )
    load_in_4bit: bool = Field(
        False, description="quantise the base to 4 bits (QLoRA): far less memory, somewhat slower"
    )
    thinking: Literal["auto", "on", "off"] = Field(
        "auto",
        description="whether the model thinks before it answers, in training and whenever it is asked; auto: on where "
        "the rows hold reasoning",
    )
    device_map: Literal["auto", "cpu"] = Field("auto", description="auto: the GPU if there is one; cpu: leave it alone")


class LoraSettings(Section):
    """The adapter that is trained; the base stays as it is."""

    r: int = Field(16, ge=1, le=512, description="rank: how much the adapter can learn, and its size")
    lora_alpha: int = Field(32, ge=1, le=1024, description="scale of the adapter; twice the rank is the usual choice")
    lora_dropout: float = Field(0.1, ge=0, lt=1, description="share of adapter inputs dropped, against overfitting")
    target_modules: Names | Literal["all-linear"] = Field(
        ("q_proj", "k_proj", "v_proj", "o_proj"),
        description="layers that get an adapter, or `all-linear`: all of the model's blocks",
    )
    start_from: str = Field("", description="folder of an adapter to go on from; empty: a fresh one")


class DataSettings(Section):
    """What is learned from, and how it is cleaned."""

    source: str = Field(
        "microsoft/orca-math-word-problems-200k", description="file, folder or hub data set; `tiny` is bundled"
    )
    fallback: Names = Field((), description="sources to try in this order when the first cannot be reached")
    columns: dict[Literal["system", "user", "reasoning", "assistant", "messages"], str] = Field(
        default_factory=dict,
        description='override the detection: `{user = "question"}`; `{system = ""}` reads none',
    )
    system_prompt: str = Field("", description="system message for rows that have none; empty: the template's own")
    reasoning: Literal["text", "drop"] = Field(
        "text",
        description="reasoning where the model does not think: `text` puts it before the answer, `drop` leaves it out",
    )
    max_samples: int = Field(0, ge=0, description="use only so many rows of the source, by seed; 0: all")
    min_chars: int = Field(50, ge=0, description="shortest text field kept, in characters")
    max_chars: int = Field(4096, ge=1, description="longest sample kept, in characters over all its fields")
    validation_split: float = Field(0.05, ge=0, le=0.5, description="share held out for the validation loss")
    max_length: int = Field(2048, ge=16, description="tokens of a row; what is longer is truncated")


class TrainSettings(Section):
    """How the adapter is trained, watched and saved."""

    learning_rate: float = Field(2e-4, gt=0, le=1, description="how big each step is; 10 times more usually breaks it")
    per_device_train_batch_size: int = Field(4, ge=1, description="micro-batch size per device")
    gradient_accumulation_steps: int = Field(4, ge=1, description="micro-batches accumulated per optimizer step")
    num_train_epochs: float = Field(3.0, gt=0, le=1_000_000, description="passes over the training set (epochs)")
    max_steps: int = Field(-1, ge=-1, description="stop after so many steps; -1: go by the epochs")
    warmup_ratio: float = Field(0.03, ge=0, lt=1, description="share of the steps in which the learning rate rises")
    weight_decay: float = Field(0.01, ge=0, le=1, description="pull of the adapter's weights towards zero")
    optim: Literal["paged_adamw_8bit", "paged_adamw_32bit", "adamw_8bit", "adamw_torch"] = Field(
        "paged_adamw_32bit", description="optimiser; the paged and 8-bit ones need a GPU, a CPU uses adamw_torch"
    )
    lr_scheduler_type: Literal["cosine", "linear", "constant", "constant_with_warmup"] = Field(
        "cosine", description="how the learning rate falls"
    )
    max_grad_norm: float = Field(1.0, gt=0, description="gradients longer than this are scaled down to it")
    eval_steps: int = Field(100, ge=1, description="steps between two validations")
    max_eval_samples: int = Field(
        1000, ge=0, description="rows of the validation part that each validation uses, by seed; 0: all"
    )
    sample_prompts: int = Field(
        3,
        ge=0,
        le=10,
        description="held-out prompts that the model answers at each validation, so that you can read how it learns; "
        "0: none",
    )
    early_stopping_patience: int = Field(
        3, ge=0, description="stop after so many validations without improvement; 0: never"
    )
    early_stopping_threshold: float = Field(
        0.001, ge=0, description="how far the validation loss must fall to count as an improvement"
    )
    save_steps: int = Field(500, ge=1, description="steps between two checkpoints that training can resume from")
    logging_steps: int = Field(1, ge=1, description="steps between two points of the training curve")
    seed: int = Field(42, ge=0, lt=2**32, description="fixes the split, the order, the adapter's start and dropout")
    deterministic: bool = Field(
        True, description="deterministic algorithms alone; where torch lacks one, the run says so and goes on"
    )
    packing: bool = Field(False, description="fill each row of a batch with several short samples")
    gradient_checkpointing: bool = Field(True, description="recompute activations: less memory, slower")
    torch_compile: bool = Field(True, description="compile where possible: on a GPU; Unsloth compiles its own kernels")
    dataloader_num_workers: int = Field(4, ge=0, le=64, description="processes that load batches beside training")
    dataloader_pin_memory: bool = Field(True, description="faster copies to the GPU")
    report_to: Annotated[tuple[Literal["trackio", "tensorboard", "wandb"], ...], Field(strict=False)] = Field(
        (), description="trackers that mirror the curves; events.jsonl is written always"
    )

    @property
    def effective_batch_size(self) -> int:
        """Rows per step."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps


class EvaluateSettings(Section):
    """How base and tuned are compared after the training."""

    suites: Names = Field(
        ("held_out", "gsm8k", "code_contests", "humaneval", "instructions"),
        min_length=1,
        description="what base and tuned are asked, in this order; `NAME=FILE` takes a suite's items from a file; left "
        "out where `problems` is given: `code_contests` alone",
    )
    max_items: int = Field(300, ge=0, description="items of each suite, drawn by seed; 0: all")
    answer: Literal["auto", "number", "choice", "text", "contains", "regex", "json", "math", "free"] = Field(
        "auto",
        description="what the held-out rows' answers are compared by; auto: found from the rows; free: none is right "
        "or wrong, and the loss on the rows' own answers tells",
    )
    answer_pattern: str = Field(
        "", description="for `regex`: finds the answer in a text, as its first group or its whole match"
    )
    problems: str = Field(
        "deepmind/code_contests",
        description="JSONL file or hub data set of problems with tests for `code_contests`; `tiny` is bundled",
    )
    limit: int = Field(
        100, ge=0, description="problems of `code_contests` drawn by seed, spread over the difficulties; 0: all"
    )
    max_tests: int = Field(100, ge=0, description="tests of a problem that are run, the visible ones first; 0: all")
    samples: int = Field(1, ge=1, le=1000, description="answers for each problem and model: the k of pass@k")
    temperature: float = Field(0.0, ge=0, le=2, description="0: greedy, the likeliest token each time")
    top_p: float = Field(1.0, gt=0, le=1, description="draw only from the likeliest tokens that sum up to this share")
    max_new_tokens: int = Field(2048, ge=1, description="longest answer, in tokens; a longer one is cut and counted")
    max_thinking_tokens: int = Field(
        8192, ge=1, description="longest reasoning before an answer, in tokens, where the model thinks"
    )
    batch_size: int = Field(8, ge=1, description="answers that are generated at the same time")
    seed: int = Field(42, ge=0, lt=2**32, description="fixes the items, and the samples where temperature is not 0")

    @model_validator(mode="before")
    @classmethod
    def _problems_are_a_suite(cls, values: Any) -> Any:
        """Recipes of the first edition name problems and no suites."""
        alone = isinstance(values, dict) and "problems" in values and "suites" not in values
        return values | {"suites": ("code_contests",)} if alone else values


class Recipe(Section):
    """A training job, complete. Two equal recipes are the same job."""

    model: ModelSettings = ModelSettings()
    lora: LoraSettings = LoraSettings()
    data: DataSettings = DataSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()

    def with_values(self, **sections: dict[str, Any]) -> "Recipe":
        """A copy with some settings changed, validated like any other: `recipe.with_values(train={"seed": 1})`."""
        values = self.model_dump()
        for section, changes in sections.items():
            values[section] |= changes
        return make_recipe(values)


def make_recipe(values: dict[str, Any], where: str = "recipe") -> Recipe:
    """A Recipe from nested dictionaries; `where` names them in messages.

    Raises:
        UserError: names every fault with its path, the bound and, for an unknown key, the nearest known one.
    """
    _check_numbers(values, where)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        known = {f"{section}.{key}": field for section, key, field in fields()}
        raise refusal(error, where, known) from None


def _check_numbers(values: dict[str, Any], where: str) -> None:
    """TOML's integers have 64 bits, and so have those of everything that a recipe is handed to.

    Raises:
        UserError: one is larger. It is not shown: Python writes no number of more than 4,300 digits.
    """
    for section, table in values.items():
        for key, value in table.items() if isinstance(table, dict) else [("", table)]:
            if any(isinstance(one, int) and one.bit_length() >= BITS for one in _parts(value)):
                path = cut(f"{section}.{key}" if key else section)
                raise UserError(f"{where}: {path} has a number of more than {BITS} bits.", "Mend it: none is as large.")


def _parts(value: Any) -> Iterator[Any]:
    """The value, or what is in it, at whatever depth."""
    inside = [value]
    while inside:
        one = inside.pop()
        if isinstance(one, dict | list | tuple):
            inside += one.values() if isinstance(one, dict) else one
        else:
            yield one


def fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting as (section, key, field), in the order in which they are declared."""
    for section, settings in Recipe():
        for key, field in type(settings).model_fields.items():
            yield section, key, field
