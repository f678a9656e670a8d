"""A model card says what the run recorded, what is not known, and nothing of this machine."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from qwenlab.exporting.card import Kind, base_licence, evaluation_sentence, model_card
from qwenlab.recipe import EvaluateSettings, Recipe
from qwenlab.runs import Evaluation, Run
from qwenlab.runs.record import ModelRecord, Score


@pytest.fixture
def base(tmp_path: Path) -> ModelRecord:
    folder = tmp_path / "secret place" / "Some-Qwen"
    folder.mkdir(parents=True)
    return ModelRecord(
        name=str(folder),
        resolved=str(folder),
        revision=None,
        sha256="abcdef0123456789",
        template_sha256="0",
        trainable_parameters=1,
        parameters=2,
    )


@pytest.fixture
def run(tmp_path: Path, base: ModelRecord) -> Run:
    data = tmp_path / "secret place" / "rows.jsonl"
    data.touch()
    recipe = Recipe().with_values(
        model={"name": base.name}, data={"source": str(data)}, lora={"start_from": str(tmp_path / "secret place" / "a")}
    )
    run = Run.create(tmp_path / "runs", recipe, "some")
    run.update(model=base, data_sha256="feed", rows=1234, step=48, versions={"qwenlab": "0.1.0"})
    return run


def evaluated(run: Run, sentence: str | None) -> None:
    evaluation = Evaluation.create(run, EvaluateSettings())
    if sentence is not None:
        evaluation.report_file.write_text(json.dumps({"sentence": sentence}), encoding="utf-8")


def front_matter(card: str) -> dict[str, object]:
    found: dict[str, object] = ModelCard(card).data.to_dict()  # type: ignore[no-untyped-call]
    return found


def test_a_card_of_an_evaluated_run(run: Run) -> None:
    run.update(base_eval_loss=0.4394, best=Score(step=40, eval_loss=0.0132), finished=datetime.now(UTC))
    evaluated(run, "It solved 10 of 100 more.")
    card = model_card(run, "adapter", "Checked: equal.", "me/mine")
    assert front_matter(card) == {
        "base_model": "Some-Qwen",
        "license": "unknown",
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "tags": ["qwenlab", "lora"],
    }
    for said in (
        "It solved 10 of 100 more. Validation loss: 0.4394 before the training, 0.0132 after it (step 40).",
        "a licence that is not known here",
        "Checked: equal.",
        'AutoPeftModelForCausalLM.from_pretrained("me/mine")',
        "1,234 rows of `rows.jsonl` were trained on; SHA-256 of the data: `feed`.",
        'source = "rows.jsonl"',
        "learning_rate = 0.0002",
    ):
        assert said in card
    assert "secret place" not in card


@pytest.mark.parametrize(
    ("kind", "library", "loads"),
    [
        ("merged", "transformers", "AutoModelForCausalLM.from_pretrained"),
        ("gguf", "gguf", "llama-server -m mine/model"),
    ],
)
def test_how_the_other_kinds_are_loaded(run: Run, kind: Kind, library: str, loads: str) -> None:
    card = model_card(run, kind, "", "mine")
    assert front_matter(card)["library_name"] == library and loads in card
    assert "It has not been evaluated against its base." in card


def test_the_sentence_is_the_newest_report_s(run: Run) -> None:
    assert evaluation_sentence(run) is None
    evaluated(run, "old")
    evaluated(run, "new")
    evaluated(run, None)  # stopped before its report
    assert evaluation_sentence(run) == "new"


def test_the_licence_is_the_base_s_own_word(base: ModelRecord) -> None:
    folder = Path(base.resolved)
    assert base_licence(base) is None
    (folder / "LICENSE").write_text("Somebody's own terms")
    assert base_licence(base) == "other"
    (folder / "LICENSE").write_text("                Apache License\n         Version 2.0")
    assert base_licence(base) == "apache-2.0"
    (folder / "README.md").write_text("---\nlicense: mit\n---\n\n# A model\n")
    assert base_licence(base) == "mit"


def test_a_hub_that_is_not_reached_leaves_the_licence_unknown(base: ModelRecord) -> None:
    assert base_licence(base.model_copy(update={"name": "Qwen/Some-Qwen", "revision": "abc"})) is None
