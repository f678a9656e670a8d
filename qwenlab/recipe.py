"""Recipe: every setting once, with its type, bound, default and help; TOML in and out.

The command line, the browser's form and the table in docs/recipe.md are made from these fields; in a clone,
`python -m qwenlab.recipe` updates that table. Names are the ones of transformers, peft and trl wherever those have one.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tomlkit
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from qwenlab.errors import UserError

ALL_LINEAR = "all-linear"
LINEAR_LAYERS = (
    *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    *("in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a", "out_proj"),
)
"""The linear layers of Qwen's blocks, to choose from; the last five are those of Qwen3.5's linear attention. Which ones
a model has, and `all-linear` stands for, the model itself says."""

TINY = "tiny"
"""The name of the bundled model, and of the bundled data: its mini contest."""

_HERE = Path(__file__).parent
RECIPES = next(folder for folder in (_HERE / "recipes", _HERE.parent / "recipes") if folder.is_dir())
"""The recipes that come along: in an installed package inside it, in a clone beside it."""

Names = Annotated[tuple[str, ...], Field(strict=False)]


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
        default_factory=dict, description='override the detection: `{user = "question", assistant = "answer"}`'
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
    num_train_epochs: float = Field(3.0, gt=0, description="passes over the training set (epochs)")
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

    problems: str = Field(
        "deepmind/code_contests", description="JSONL file or hub data set of problems with tests; `tiny` is bundled"
    )
    limit: int = Field(100, ge=0, description="problems drawn by seed, spread over the difficulties; 0: all")
    max_tests: int = Field(100, ge=0, description="tests of a problem that are run, the visible ones first; 0: all")
    samples: int = Field(1, ge=1, le=1000, description="answers for each problem and model: the k of pass@k")
    temperature: float = Field(0.0, ge=0, le=2, description="0: greedy, the likeliest token each time")
    top_p: float = Field(1.0, gt=0, le=1, description="draw only from the likeliest tokens that sum up to this share")
    max_new_tokens: int = Field(2048, ge=1, description="longest answer, in tokens; a longer one is cut and counted")
    max_thinking_tokens: int = Field(
        8192, ge=1, description="longest reasoning before an answer, in tokens, where the model thinks"
    )
    batch_size: int = Field(8, ge=1, description="answers that are generated at the same time")
    seed: int = Field(42, ge=0, lt=2**32, description="fixes the problems, and the samples where temperature is not 0")


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


def load_recipe(source: Path | str | Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe from a file, by the name of one that comes along, or from nested dictionaries.

    Args:
        source: a path, a name (`tiny`, `default`, `small_gpu`, `fast`), or `{"train": {"max_steps": 24}}`.
        overrides: by `section.key`, such as `{"train.max_steps": 24, "data.source": "my.jsonl"}`.

    Returns:
        The recipe, frozen; what is left out has its default. `with_values` makes a changed copy.

    Raises:
        UserError: no such file, not TOML, or faults: all at once, each with its key and bound, an unknown key with the
            nearest known one.

    Example:
        >>> ql.load_recipe("tiny", {"train.max_steps": 24}).train.max_steps
        24
    """
    if isinstance(source, Mapping):
        values, where = {name: dict(section) for name, section in source.items()}, "recipe"
    else:
        values, where = parse_toml(*_read(Path(source))), str(source)
    for key, value in (overrides or {}).items():
        _set(values, key, str(value) if isinstance(value, Path) else value, key)
    return make_recipe(values, where)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a TOML recipe and apply `section.key=value` overrides.

    Args:
        path: a file, or the name of a recipe that comes along.

    Raises:
        UserError: no such file, not TOML, or faults; all faults are told at once, each with its path.
    """
    text, where = _read(path)
    return parse_recipe(text, overrides, where)


def find_recipe(path: Path) -> Path:
    """The file that is meant: the path itself, or where it is a bare name the recipe of `RECIPES` that has it."""
    shipped = RECIPES / f"{path}.toml"
    return shipped if len(path.parts) == 1 and not path.is_file() and shipped.is_file() else path


def shown_path(path: Path) -> Path:
    """The path as short as it can be written from the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def parse_recipe(text: str, overrides: Sequence[str] = (), where: str = "recipe") -> Recipe:
    """As `read_recipe`, from the text itself; `where` names it in messages."""
    values = parse_toml(text, where)
    for override in overrides:
        path, equals, value = override.partition("=")
        if not equals:
            raise UserError(f"--set {override}: this is not section.key=value.", "For instance: --set train.seed=1")
        _set(values, path.strip(), _value(value.strip()), f"--set {override}")
    return make_recipe(values, where)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Raises:
    UserError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{where} is not valid TOML: {error}.", 'Texts need quotes: name = "tiny".') from None


def make_recipe(values: dict[str, Any], where: str = "recipe") -> Recipe:
    """A Recipe from nested dictionaries.

    Raises:
        UserError: names every fault with its path, the bound and, for an unknown key, the nearest known one.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        faults = list(dict.fromkeys(_sentence(fault) for fault in error.errors()))
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise UserError(f"{where} has {count}:\n{lines}", "Every key with its meaning: docs/recipe.md") from None


def recipe_toml(recipe: Recipe) -> str:
    """The recipe as a complete TOML file: every key, its value, and its help as a comment."""
    document = tomlkit.document()
    for section, settings in _sections(recipe):
        table = tomlkit.table()
        for key, field in type(settings).model_fields.items():
            value = getattr(settings, key)
            item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
            if isinstance(value, dict):
                item = tomlkit.inline_table()
                item.update(value)
            table.add(key, item.comment(field.description or ""))
        document.add(section, table)
    return tomlkit.dumps(document)


def fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting as (section, key, field), in the order in which they are declared."""
    for section, settings in _sections(Recipe()):
        for key, field in type(settings).model_fields.items():
            yield section, key, field


def markdown_table() -> str:
    """The table of all settings, for docs/recipe.md."""
    rows = [
        f"| `{s}.{k}` | `{_shown(f.get_default(call_default_factory=True))}` | {f.description} |"
        for s, k, f in fields()
    ]
    return "\n".join(["| setting | default | what it does |", "|---|---|---|", *rows])


# Names of the same settings in other tools, so that their users are told ours.
ALIASES = {
    "base_model": "model.name",
    "model_name": "model.name",
    "model_name_or_path": "model.name",
    "lora_r": "lora.r",
    "lora_rank": "lora.r",
    "rank": "lora.r",
    "alpha": "lora.lora_alpha",
    "dropout": "lora.lora_dropout",
    "lora_target": "lora.target_modules",
    "dataset": "data.source",
    "max_seq_length": "data.max_length",
    "cutoff_len": "data.max_length",
    "sequence_len": "data.max_length",
    "val_size": "data.validation_split",
    "lr": "train.learning_rate",
    "epochs": "train.num_train_epochs",
    "num_epochs": "train.num_train_epochs",
    "batch_size": "train.per_device_train_batch_size",
    "micro_batch_size": "train.per_device_train_batch_size",
    "fp16": "model.dtype",
    "bf16": "model.dtype",
}


def _sections(recipe: Recipe) -> Iterator[tuple[str, Section]]:
    for section in Recipe.model_fields:
        yield section, getattr(recipe, section)


def _known() -> list[str]:
    return [f"{section}.{key}" for section, key, _ in fields()]


def _read(path: Path) -> tuple[str, str]:
    """The recipe's text, and what it is called in messages."""
    found = find_recipe(path)
    try:
        return found.read_text(encoding="utf-8"), str(path)
    except FileNotFoundError:
        raise UserError(f"There is no recipe at {path}.", _nearby_recipes(path)) from None
    except (IsADirectoryError, UnicodeDecodeError):
        raise UserError(f"{path} is not a recipe.", "A recipe is a TOML file; recipes/default.toml is one.") from None


def _set(values: dict[str, Any], path: str, value: Any, said: str) -> None:
    section, dot, key = path.partition(".")
    if not (dot and key):
        raise UserError(f"{said}: this is not section.key=value.", "For instance: --set train.seed=1")
    table = values.setdefault(section, {})
    if not isinstance(table, dict):
        raise UserError(f"{said}: {section} is not a table in this recipe.")
    table[key] = value


def _value(text: str) -> Any:
    """A value as TOML would read it; what TOML cannot read is a text, so that paths need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _sentence(fault: ErrorDetails) -> str:
    # A union adds its branch to the location ("target_modules", "tuple[...]"); two parts name the setting.
    location = [str(part) for part in fault["loc"]]
    path = ".".join(location[:2])
    if fault["type"] == "extra_forbidden":
        return f"{path}: no such {'setting' if len(location) > 1 else 'section'}{_nearest(location)}"
    allowed = _allowed(path)
    reason = allowed if allowed else fault["msg"][0].lower() + fault["msg"][1:].replace("Input ", "")
    reason = reason.removeprefix("input ")
    return f"{path} = {_shown(fault['input'])}: {reason}"


def _nearest(location: list[str]) -> str:
    if len(location) == 1:
        # A key written above the first table, or a misspelt table.
        candidates = [alias for alias in [ALIASES.get(location[0])] if alias]
        candidates += [known for known in _known() if known.endswith(f".{location[0]}")]
        candidates += [f"[{near}]" for near in difflib.get_close_matches(location[0], Recipe.model_fields, 1)]
        sections = " ".join(f"[{section}]" for section in Recipe.model_fields)
        return f"; did you mean {candidates[0]}?" if candidates else f"; there are {sections}"
    section, key = location[:2]
    if key in ALIASES:
        return f"; here it is called {ALIASES[key]}"
    same_key = [known for known in _known() if known.endswith(f".{key}")]
    if same_key:
        return f"; it belongs in [{same_key[0].partition('.')[0]}]"
    near = difflib.get_close_matches(f"{section}.{key}", _known(), 1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _allowed(path: str) -> str:
    """For a setting with a fixed choice: the choice, in one sentence."""
    for section, key, field in fields():
        if f"{section}.{key}" == path:
            choices = list(literals(field.annotation))
            if choices and str not in _members(field.annotation):
                shown = ", ".join(_shown(choice) for choice in choices)
                return (
                    f"must be a list of names or {shown}"
                    if path == "lora.target_modules"
                    else f"must be one of {shown}"
                )
    return ""


def _members(annotation: Any) -> Iterable[Any]:
    return getattr(annotation, "__args__", ())


def literals(annotation: Any) -> Iterator[str]:
    """The texts that a type offers to choose from."""
    for member in _members(annotation):
        if isinstance(member, str):
            yield member
        else:
            yield from literals(member)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_shown(item)}" for key, item in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _nearby_recipes(path: Path) -> str:
    """Those in the same folder, or else those that come along, by their names."""
    names = sorted(str(found) for found in path.parent.glob("*.toml")) if path.parent != Path() else []
    names = names or sorted(found.stem for found in RECIPES.glob("*.toml"))
    return f"There are: {', '.join(names)}."


def _update_document(file: Path) -> None:
    """Put the table of all settings into the file, in place of the one that is there."""
    before, _, rest = file.read_text(encoding="utf-8").partition("| setting |")
    after = rest.partition("\n\n")[2]
    file.write_text(f"{before}{markdown_table()}\n\n{after}", encoding="utf-8")


if __name__ == "__main__":
    _update_document(_HERE.parent / "docs" / "recipe.md")
