"""A run is asked as it was trained: a small Qwen3 with its own template, trained without reasoning and with."""

import json
from pathlib import Path

import pytest

from qwenlab.data.chat_template import prompt_text
from qwenlab.errors import UserError
from qwenlab.evaluate import main as evaluate
from qwenlab.export import main as export
from qwenlab.exporting.target import Target
from qwenlab.inference import generate as generation
from qwenlab.recipe import parse_recipe, recipe_toml
from qwenlab.runs import Run, list_runs
from qwenlab.runs.evaluation import newest
from qwenlab.train import main as train
from tests.conftest import ROOT
from tests.models.small import Family, small_model

OFF_BLOCK = "<think>\n\n</think>\n\n"
OPENING = "<|im_start|>assistant\n"


def write_rows(path: Path, reasoning: bool) -> Path:
    rows = [
        {
            "question": f"What is {n} plus {n * n}? Think about it carefully, then say it.",
            "answer": f"It is {n + n * n}, as everybody knows who has ever added two such numbers.",
        }
        | ({"reasoning": f"{n} and {n * n} make {n + n * n}."} if reasoning else {})
        for n in range(40)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def trained(folder: Path, family: Family, reasoning: bool, *settings: str) -> Run:
    """Three steps on rows with or without reasoning."""
    runs = folder / f"runs-{family}-{reasoning}"
    if not list_runs(runs):
        model = folder / family
        model = model if model.exists() else small_model(model, family)
        recipe = folder / "recipe.toml"
        changes = [
            f"model.name={model}",
            f"data.source={write_rows(folder / f'rows-{reasoning}.jsonl', reasoning)}",
            "train.max_steps=3",
            "train.eval_steps=3",
            'lora.target_modules="all-linear"',
            "evaluate.suites=['tiny']",
            "evaluate.max_items=3",
            "evaluate.max_new_tokens=8",
            "evaluate.max_thinking_tokens=8",
            "data.max_length=512",
            *settings,
        ]
        tiny = (ROOT / "recipes" / "tiny.toml").read_text(encoding="utf-8")
        recipe.write_text(recipe_toml(parse_recipe(tiny, changes)), encoding="utf-8")
        train(recipe=recipe, runs=runs)
    return list_runs(runs)[-1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("thinking")


@pytest.mark.parametrize("reasoning", [False, True])
def test_base_and_tuned_are_asked_in_the_mode_of_the_rows(
    folder: Path, reasoning: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained(folder, "qwen3", reasoning)
    model = run.read().model
    assert model and model.thinking is reasoning
    assert json.loads(run.data_file.read_text(encoding="utf-8"))["thinking"] is reasoning

    prompts: list[str] = []

    def heard(messages: object, tokenizer: object, thinking: bool | None) -> str:
        prompts.append(prompt_text(messages, tokenizer, thinking))  # type: ignore[arg-type]
        return prompts[-1]

    monkeypatch.setattr(generation, "prompt_text", heard)
    evaluate(run.name, runs=run.folder.parent)
    assert len(prompts) == 6 == 2 * len(set(prompts))  # base and tuned, the same words
    assert all(prompt.endswith(OPENING if reasoning else OPENING + OFF_BLOCK) for prompt in prompts)
    for name in ("report.md", "report.html"):
        assert f"thinking {'on' if reasoning else 'off'}" in (newest(run).folder / name).read_text(encoding="utf-8")


def test_a_mode_that_was_changed_by_hand_is_refused(folder: Path) -> None:
    run = trained(folder, "qwen3", reasoning=False)
    record = run.record_file.read_text(encoding="utf-8")
    assert '"thinking": false' in record
    run.record_file.write_text(
        record.replace('"thinking": false', '"thinking": true').replace('"finished"', '"stopped"'), encoding="utf-8"
    )
    try:
        with pytest.raises(UserError, match="thinking"):
            evaluate(run.name, runs=run.folder.parent)
        with pytest.raises(UserError, match="thinking"):
            train(resume=run.name, runs=run.folder.parent)
        with pytest.raises(UserError, match="thinking"):
            export(run.name, runs=run.folder.parent, to=Target.adapter, out=folder / "changed")
    finally:
        run.record_file.write_text(record, encoding="utf-8")


@pytest.mark.parametrize("reasoning", [False, True])
def test_an_export_asks_in_the_mode_of_the_rows(folder: Path, reasoning: bool) -> None:
    from transformers import AutoTokenizer

    run = trained(folder, "qwen3", reasoning)
    out = folder / f"merged-{reasoning}"
    export(run.name, runs=run.folder.parent, to=Target.merged, out=out)
    tokenizer = AutoTokenizer.from_pretrained(out)
    asked = [{"role": "user", "content": "Hi"}]
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    assert prompt.endswith(OPENING if reasoning else OPENING + OFF_BLOCK)
    assert f"thinking {'on' if reasoning else 'off'}" in (out / "README.md").read_text(encoding="utf-8")


def test_a_template_without_thinking_takes_reasoning_as_text(folder: Path) -> None:
    run = trained(folder, "qwen2.5", reasoning=True)
    model = run.read().model
    assert model and model.thinking is None
    report = json.loads(run.data_file.read_text(encoding="utf-8"))
    assert "before the answer as text: this model's chat template has no thinking" in "".join(report["notes"])


def test_thinking_that_no_row_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'model\.thinking = "on": no row holds reasoning'):
        trained(tmp_path, "qwen3", False, "model.thinking=on")
