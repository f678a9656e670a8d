"""`python -m qwenlab.export`: what leaves a run answers as the run's adapter does, or does not leave.

llama.cpp and the hub are not here: a converter and a hub of our own stand in, and hold only how they are driven.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from qwenlab.errors import UserError
from qwenlab.export import main
from qwenlab.exporting.target import Target
from qwenlab.runs import Run
from tests.conftest import Verb
from tests.exporting.stand_ins import stand_in_llama_cpp, trained
from tests.hub import UploadHub, upload_hub

TOKEN = "hf_ThisIsTheSecretOfThisTest"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("export"))


@pytest.fixture(autouse=True)
def without_llama_cpp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)


def exported(run: Run, to: Target, **options: Any) -> None:
    main(run=run.name, to=to, runs=run.folder.parent, **options)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def plain_answers(model: Any, tokenizer: Any, prompts: list[list[dict[str, str]]]) -> list[list[int]]:
    """Greedy, one by one, by nothing but transformers."""
    answers = []
    for messages in prompts:
        inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt")
        sequence = model.generate(**inputs, max_new_tokens=128, do_sample=False)[0]
        answers.append(sequence[inputs["input_ids"].shape[1] :].tolist())
    return answers


def test_merged_loads_in_plain_transformers_and_answers_as_the_adapter(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from qwenlab import data
    from qwenlab.tiny import MODEL_DIR

    out = tmp_path / "merged"
    out.mkdir()  # an empty folder may be there
    exported(run, Target.merged, out=out)
    assert "equal the adapter's on 20 prompts (20 held-out rows)" in capsys.readouterr().out
    assert {str(weight.dtype) for weight in load_file(out / "model.safetensors").values()} == {"torch.float16"}
    assert "equal the adapter's on 20 prompts" in (out / "README.md").read_text()

    rows = data.load(run.recipe.data, run.recipe.train.seed).validation.get_column("messages").to_list()[:20]
    prompts = [[message for message in messages if message["role"] != "assistant"] for messages in rows]
    merged = AutoModelForCausalLM.from_pretrained(out, dtype="float32")
    base = AutoModelForCausalLM.from_pretrained(MODEL_DIR, dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(out)
    answers = plain_answers(merged, tokenizer, prompts)
    assert len(answers) == 20
    assert answers != plain_answers(base, tokenizer, prompts)
    assert answers == plain_answers(PeftModel.from_pretrained(base, run.adapter), tokenizer, prompts)
    assert names(tmp_path) == ["merged"]


def test_a_changed_weight_fails_the_export(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qwenlab.exporting import make
    from qwenlab.exporting.merge import merge as real

    def sabotaged(settings: Any, adapter: Path, folder: Path, *how: Any) -> None:
        real(settings, adapter, folder, *how)
        weights = load_file(folder / "model.safetensors")
        weights["model.layers.2.self_attn.o_proj.weight"] *= -1
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setattr(make, "merge", sabotaged)
    with pytest.raises(UserError, match=r"nothing was written: \d+ of 20 .*\n  To '.* they part at token \d+: "):
        exported(run, Target.merged, out=tmp_path / "merged")
    assert list(tmp_path.iterdir()) == []


def test_the_adapter_with_tokenizer_and_card(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "made" / "on the way"
    exported(run, Target.adapter, out=out)
    assert (out / "adapter_model.safetensors").read_bytes() == (run.adapter / "adapter_model.safetensors").read_bytes()
    assert {"adapter_config.json", "tokenizer.json", "chat_template.jinja", "README.md"} <= set(names(out))
    assert "library_name: peft" in (out / "README.md").read_text()


def test_gguf_without_a_server_is_converted_and_not_called_done(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    llama = stand_in_llama_cpp(tmp_path / "llama.cpp")
    with pytest.raises(typer.Exit) as ended:
        exported(run, Target.ollama, out=tmp_path / "out", llama_cpp=llama)
    assert ended.value.exit_code == 3
    assert names(tmp_path / "out") == ["Modelfile", "README.md", "model.gguf"]
    assert (tmp_path / "out" / "model.gguf").read_text().startswith("GGUF f16 3")
    said = capsys.readouterr().out
    assert "Converted, not checked" in said and "Converted, not checked" in (tmp_path / "out" / "README.md").read_text()
    assert f"ollama create out -f {tmp_path / 'out' / 'Modelfile'}" in said


def test_without_llama_cpp_it_says_how_to_get_it_before_any_work(verb: Verb, run: Run, tmp_path: Path) -> None:
    runs = run.folder.parent
    answer = verb("export", run.name, "--runs", runs, "--to", "gguf", "--out", tmp_path / "out")
    assert answer.returncode == 2
    assert "convert_hf_to_gguf.py is not on the PATH" in answer.stderr and "git clone" in answer.stderr
    assert "prompts" not in answer.stdout and not (tmp_path / "out").exists()


def test_what_is_there_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for out in (tmp_path, tmp_path / "mine"):
        with pytest.raises(UserError, match="is there already"):
            exported(run, Target.merged, out=out)
    assert (tmp_path / "mine").read_text() == "mine" and names(tmp_path) == ["mine"]


@pytest.mark.parametrize(
    ("to", "options", "message"),
    [
        (Target.merged, {}, "--out is required"),
        (Target.merged, {"out": Path("x"), "yes": True}, "are for --to hub"),
        (Target.hub, {"out": Path("x"), "repo": "me/mine"}, "no folder"),
        (Target.hub, {}, "takes a repository"),
        (Target.hub, {"repo": "mine"}, "named owner/name"),
    ],
)
def test_wishes_that_do_not_go_together(run: Run, to: Target, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        exported(run, to, **options)


def test_a_run_without_an_adapter_is_refused(tmp_path: Path, run: Run) -> None:
    unfinished = Run.create(tmp_path, run.recipe, "begun")
    with pytest.raises(UserError, match="no adapter yet"):
        exported(unfinished, Target.merged, out=tmp_path / "out")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[UploadHub]]:
    with upload_hub(monkeypatch) as answering:
        yield answering


def test_the_hub_gets_the_adapter_in_private_and_the_token_is_not_told(
    run: Run, hub: type[UploadHub], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    exported(run, Target.hub, repo="me/mine", yes=True)
    files = ["README.md", "adapter_config.json", "adapter_model.safetensors", "chat_template.jinja"]
    uploaded = hub.files["me/mine"]
    assert sorted(uploaded) == [*files, "tokenizer.json", "tokenizer_config.json"]
    assert json.loads(uploaded["adapter_config.json"])["base_model_name_or_path"] == "tiny"
    assert hub.created_private and hub.authorizations == {f"Bearer {TOKEN}"}
    said = capfd.readouterr()
    assert "Uploaded to me/mine" in said.out and TOKEN not in said.out + said.err
    assert not list(run.folder.glob(".export-*"))


def test_nothing_goes_to_the_hub_without_yes(run: Run, hub: type[UploadHub], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(UserError) as refused:
        exported(run, Target.hub, repo="me/mine")
    assert hub.files == {}
    told = str(refused.value)
    assert f"me/mine at {constants.ENDPOINT}, a private repository" in told and "adapter_model.safetensors" in told
    with pytest.raises(UserError, match=r"readable by everybody:\n  the merged model .* 0\.00 GB"):
        exported(run, Target.hub, repo="me/mine", merged=True, public=True)


def test_no_token_is_told_before_any_work(run: Run, hub: type[UploadHub]) -> None:
    with pytest.raises(UserError, match="HF_TOKEN is not set"):
        exported(run, Target.hub, repo="me/mine", yes=True)
    assert hub.files == {}
