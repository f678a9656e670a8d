"""The recipe: bounds, names, overrides, TOML there and back."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe, fields, load_recipe, parse_recipe, read_recipe, recipe_toml
from qwenlab.recipe.faults import ALIASES
from qwenlab.recipe.table import markdown_table

ROOT = Path(__file__).parent.parent
RECIPES = sorted((ROOT / "recipes").glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_is_valid_and_opens_with_its_command(path: Path) -> None:
    read_recipe(path)
    assert f"python -m qwenlab.train recipes/{path.name}" in path.read_text(encoding="utf-8").split("[model]")[0]


def test_a_recipe_comes_back_equal_from_toml() -> None:
    for path in RECIPES:
        recipe = read_recipe(path)
        assert parse_recipe(recipe_toml(recipe)) == recipe


@given(
    learning_rate=st.floats(1e-9, 1),
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    targets=st.lists(st.text("abc_\"'\\", max_size=5), max_size=3),
    columns=st.dictionaries(st.sampled_from(["user", "assistant", "system"]), st.text("ab\" '=\n", max_size=5)),
)
def test_any_values_survive_toml(learning_rate: float, name: str, targets: list[str], columns: dict[str, str]) -> None:
    recipe = Recipe().with_values(
        model={"name": name},
        lora={"target_modules": targets},
        data={"columns": columns},
        train={"learning_rate": learning_rate},
    )
    text = recipe_toml(recipe)
    assert parse_recipe(text) == recipe
    written = tomllib.loads(text)
    assert all(key in written[section] for section, key, _ in fields()), "the stored recipe is complete"


def faults(text: str, *overrides: str) -> str:
    with pytest.raises(UserError) as caught:
        parse_recipe(text, overrides)
    return caught.value.message


def test_all_faults_are_told_at_once_with_path_and_bound() -> None:
    said = faults("[train]\nlearning_rate = 5\nseed = -1\n[lora]\nr = 0\n")
    assert "3 faults" in said
    assert "train.learning_rate = 5: should be less than or equal to 1" in said
    assert "train.seed = -1: should be greater than or equal to 0" in said
    assert "lora.r = 0: should be greater than or equal to 1" in said


def test_an_unknown_key_is_told_its_nearest_name() -> None:
    assert "train.learning_rat: no such setting; did you mean train.learning_rate?" in faults("[train]\nlearning_rat=1")
    assert "modl: no such section; did you mean [model]?" in faults("[modl]\nname='x'")


def test_a_key_in_the_wrong_section_is_told_the_right_one() -> None:
    assert "train.max_length: no such setting; it belongs in [data]" in faults("[train]\nmax_length = 512")
    assert "did you mean train.seed?" in faults("seed = 1")


@pytest.mark.parametrize(("theirs", "ours"), ALIASES.items())
def test_other_tools_names_are_told_ours(theirs: str, ours: str) -> None:
    section, _, key = ours.partition(".")
    assert ours in faults(f"[{section}]\n{theirs} = 1\n")
    assert any((section, key) == (known, name) for known, name, _ in fields())


def test_a_choice_is_told_its_choices() -> None:
    assert 'model.engine = "fast": must be one of "auto", "unsloth", "transformers"' in faults("[model]\nengine='fast'")
    assert 'target_modules = 3: must be a list of names or "all-linear"' in faults("[lora]\ntarget_modules=3")


@pytest.mark.parametrize(
    "text", ["[train]\nseed = true", "[train]\nseed = '1'", "[model]\nname = 3", "[train]\neval_steps = 1.5"]
)
def test_nothing_is_taken_for_another_type(text: str) -> None:
    assert "1 fault" in faults(text)


def test_overrides_need_no_quotes_and_beat_the_file() -> None:
    text = "[train]\nlearning_rate = 1e-3\n[data]\nsource = 'a.csv'\n"
    overrides = ["train.learning_rate=1e-4", "data.source=../my data/b.jsonl", 'lora.target_modules=["q_proj"]']
    recipe = parse_recipe(text, [*overrides, "train.packing=true"])
    assert recipe.train.learning_rate == 1e-4
    assert recipe.data.source == "../my data/b.jsonl"
    assert recipe.lora.target_modules == ("q_proj",)
    assert recipe.train.packing


@pytest.mark.parametrize("override", ["seed=1", "train.seed", "=1", "train=1"])
def test_an_override_that_is_none_is_told(override: str) -> None:
    assert "is not section.key=value" in faults("", override)


def test_a_missing_recipe_names_the_ones_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=r"There is no recipe at recipes.defualt\.toml") as caught:
        read_recipe(Path("recipes/defualt.toml"))
    assert "default.toml" in caught.value.hint


def test_broken_toml_is_a_sentence() -> None:
    assert "is not valid TOML" in faults("[train\nseed=1")


@pytest.mark.parametrize(
    "text", ["[train]\nseed = " + "[" * 5000, "[data]\ncolumns = " + "{a = " * 2000 + "1" + "}" * 2000]
)
def test_what_is_nested_too_deeply_is_a_sentence(text: str) -> None:
    assert "is nested too deeply" in faults(text)


@pytest.mark.parametrize("number", ["7" * 5000, "7" * 4300, "0x" + "f" * 5000, str(2**63), f"[0x{'f' * 5000}]"])
def test_a_number_that_nothing_can_hold_is_a_sentence(number: str) -> None:
    for text in (f"[train]\nmax_steps = {number}", f"[lora]\ntarget_modules = {number}", f"a = {number}"):
        told = faults(text)
        assert ("64 bits" in told or "thousands of digits" in told) and len(told) < 300
    assert parse_recipe(f"[train]\nmax_steps = {2**63 - 1}").train.max_steps == 2**63 - 1


def test_a_number_given_in_python_is_held_to_the_same() -> None:
    with pytest.raises(UserError, match=r"train\.max_steps has a number of more than 64 bits"):
        load_recipe({"train": {"max_steps": 10**5000}})


def test_a_refusal_is_short_however_long_the_value() -> None:
    deep = "[data.columns]\nuser" + ".a" * 3000 + " = 1"
    for text in (deep, f"[train]\nseed = '{'a' * 10**6}'", f"[train]\n{'a' * 10**5} = 1"):
        assert len(faults(text)) < 1000
    many = faults("[train]\n" + "".join(f"key{number} = 1\n" for number in range(1000)))
    assert "1000 faults" in many and "and 950 more" in many
    assert "must be" not in faults("", f"train.seed={'[' * 5000}") and len(faults("", f"train.seed={'[' * 5000}")) < 500


@pytest.mark.parametrize("name", ["a\0b", "a" * 5000, "/dev/null/a", "~nobody-of-this-name/a"])
def test_a_name_that_no_file_can_have_is_a_sentence(name: str) -> None:
    with pytest.raises(UserError):
        read_recipe(Path(name))


def test_the_table_in_the_document_is_the_one_of_the_fields() -> None:
    text = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")
    assert markdown_table() in text, "python -m qwenlab.recipe.table updates it"


DOCUMENT: list[tuple[str, str, Any]] = [
    ("base model Qwen-7B-Instruct", "model.name", "Qwen/Qwen2.5-7B-Instruct"),
    ("primary dataset", "data.source", "microsoft/orca-math-word-problems-200k"),
    ("fallback data sets", "data.fallback", ("meta-math/MetaMathQA", "openai/gsm8k:main")),
    ("minimum 50 characters per text field", "data.min_chars", 50),
    ("maximum 4096 characters per sample", "data.max_chars", 4096),
    ("split 95 to 5", "data.validation_split", 0.05),
    ("rank 16", "lora.r", 16),
    ("alpha 32", "lora.lora_alpha", 32),
    ("dropout 0.1", "lora.lora_dropout", 0.1),
    ("target modules", "lora.target_modules", ("q_proj", "v_proj", "k_proj", "o_proj")),
    ("learning rate 2e-4", "train.learning_rate", 2e-4),
    ("batch 4 per device", "train.per_device_train_batch_size", 4),
    ("gradient accumulation 4", "train.gradient_accumulation_steps", 4),
    ("effective batch 16", "train.effective_batch_size", 16),
    ("3 epochs", "train.num_train_epochs", 3),
    ("warmup ratio 0.03", "train.warmup_ratio", 0.03),
    ("weight decay 0.01", "train.weight_decay", 0.01),
    ("paged AdamW", "train.optim", "paged_adamw_32bit"),
    ("cosine annealing", "train.lr_scheduler_type", "cosine"),
    ("fp16", "model.dtype", "float16"),
    ("gradient clipping at 1.0", "train.max_grad_norm", 1.0),
    ("validation every 100 steps", "train.eval_steps", 100),
    ("early stopping patience 3", "train.early_stopping_patience", 3),
    ("early stopping min delta 0.001", "train.early_stopping_threshold", 0.001),
    ("16-bit loading", "model.load_in_4bit", False),
    ("gradient checkpointing", "train.gradient_checkpointing", True),
    ("automatic device map", "model.device_map", "auto"),
    ("4 loader workers", "train.dataloader_num_workers", 4),
    ("pinned memory", "train.dataloader_pin_memory", True),
    ("torch.compile", "train.torch_compile", True),
    ("checkpoint every 500 steps", "train.save_steps", 500),
    ("seed 42", "train.seed", 42),
    ("deterministic where possible", "train.deterministic", True),
]


@pytest.mark.parametrize(("row", "key", "value"), DOCUMENT, ids=[row for row, _, _ in DOCUMENT])
def test_default_recipe_is_the_document(row: str, key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    assert getattr(getattr(read_recipe(ROOT / "recipes" / "default.toml"), section), name) == value
