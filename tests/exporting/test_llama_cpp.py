"""llama.cpp is looked for where it may be, and what it says when it fails is told. Programs of ours stand in for it."""

from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.exporting.llama_cpp import check_tokenizer, convert, find_llama_cpp, server_answers
from tests.exporting.stand_ins import stand_in_llama_cpp, stand_in_server

MODEL = Path(__file__).parent.parent.parent / "qwenlab" / "tiny" / "model"


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only folder on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("LLAMA_CPP", raising=False)
    return folder


def test_it_is_found_in_a_folder_in_the_environment_or_on_the_path(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    llama = stand_in_llama_cpp(tmp_path / "llama.cpp")
    given = find_llama_cpp(llama)
    assert given.converter[1:] == [str(llama / "convert_hf_to_gguf.py")] and given.server is None

    built = stand_in_server(llama / "build" / "bin")
    monkeypatch.setenv("LLAMA_CPP", str(llama))
    assert find_llama_cpp(None) == (given.converter, str(built))

    monkeypatch.delenv("LLAMA_CPP")
    with pytest.raises(UserError, match="not on the PATH"):
        find_llama_cpp(None)
    (path / "convert_hf_to_gguf.py").write_text("#!/bin/sh\n")
    (path / "convert_hf_to_gguf.py").chmod(0o755)
    server = stand_in_server(path)
    assert find_llama_cpp(None) == ([str(path / "convert_hf_to_gguf.py")], str(server))


def test_a_converter_that_lacks_a_library_is_told_at_once(tmp_path: Path) -> None:
    llama = stand_in_llama_cpp(tmp_path / "llama.cpp")
    (llama / "convert_hf_to_gguf.py").write_text("import no_such_library")
    with pytest.raises(UserError, match=r"does not start: .*No module named 'no_such_library'"):
        find_llama_cpp(llama)


def test_a_folder_without_a_converter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"is not in {tmp_path}"):
        find_llama_cpp(tmp_path)


def test_converting(tmp_path: Path) -> None:
    llama = find_llama_cpp(stand_in_llama_cpp(tmp_path / "llama.cpp"))
    convert(llama, MODEL, tmp_path / "model.gguf", "bfloat16")
    assert (tmp_path / "model.gguf").read_text().startswith("GGUF bf16")


def test_a_converter_that_fails_or_writes_nothing(tmp_path: Path) -> None:
    llama = find_llama_cpp(stand_in_llama_cpp(tmp_path / "llama.cpp"))
    script = tmp_path / "llama.cpp" / "convert_hf_to_gguf.py"
    check_tokenizer(llama, MODEL)
    script.write_text("raise NotImplementedError('BPE pre-tokenizer was not recognized')")
    with pytest.raises(UserError, match=r"does not know this model's tokenizer: .*not recognized"):
        check_tokenizer(llama, MODEL)
    with pytest.raises(UserError, match=r"converter failed: .*not recognized"):
        convert(llama, MODEL, tmp_path / "model.gguf", "float16")
    script.write_text("")
    with pytest.raises(UserError, match="ended without a file"):
        convert(llama, MODEL, tmp_path / "model.gguf", "float16")


def test_a_server_that_ends_is_told_with_its_last_words(path: Path) -> None:
    server = stand_in_server(path)
    server.write_text("#!/bin/sh\necho cannot read the weights\nexit 3\n")
    with pytest.raises(UserError, match=r"exit code 3\.\ncannot read the weights"):
        server_answers(str(server), path / "model.gguf", ["p"], [[{"role": "user", "content": "c"}]], 128)
