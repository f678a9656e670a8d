"""The tables of a results.jsonl that no bench has written."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.gpu.results import Result, append_result, read_results
from bench.gpu.tables import markdown
from qwenlab.errors import UserError

HARDWARE = {
    "gpu": "Card 24",
    "gpu_memory_gb": 25.8,
    "gpu_free_gb": 24.1,
    "cpu": "Processor",
    "cpu_cores": 8,
    "memory_gb": 64.0,
    "system": "Linux",
}
ENVIRONMENT = {
    "kind": "environment",
    "time": "2026-11-26T21:00:00+00:00",
    "command": "python -m bench.gpu --steps default",
    "dry": False,
    "hardware": HARDWARE,
    "capability": "8.9",
    "driver": "580.1",
    "versions": {"python": "3.12.1", "torch": "2.11.0"},
    "missing": ["xformers"],
}
TRAINED = {
    "kind": "trained",
    "engine": "unsloth",
    "dtype": "float16",
    "attention": "sdpa",
    "deterministic": True,
    "cap_gb": 24.0,
    "tokens_per_second": 5123.4,
    "slowest": 5100.0,
    "fastest": 5200.0,
    "losses": [12.0, 11.5],
    "grad_norms": ["Infinity", 0.5],
    "allocated_gb": 17.0,
    "reserved_gb": 18.0,
    "estimate": {"weights": 15.0, "activations": 4.5, "context": 0.5},
    "notes": ["out of GPU memory: micro-batch 4 to 2, the effective batch stays"],
}
REPEAT = {
    "kind": "repeat",
    "engine": "unsloth",
    "dtype": "float16",
    "deterministic": False,
    "same_losses": False,
    "same_adapter": False,
    "largest_difference": 0.0123,
    "steps": 10,
}
HALVING = {"kind": "halving", "engine": "unsloth", "micro_batches": [8, 4, 2], "cap_gb": 7.0}


def _batch(way: str, rows: int, peak_gb: float) -> dict[str, Any]:
    batch = {"way": way, "rows": rows, "prompt": 40, "tokens": 48 * rows, "peak_gb": peak_gb}
    return batch | {"first_s": 4.0, "again_s": [2.0, 2.5, 1.5]}


ANSWERS = {"kind": "answers", "batches": [_batch("base", 1, 15.5), _batch("base", 8, 16.0), _batch("mixed", 8, 16.5)]}


def _line(step: str, figures: dict[str, Any] | None = None, ok: bool | None = True, **values: object) -> str:
    return json.dumps({"step": step, "ok": ok, "figures": figures} | values) + "\n"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    file = tmp_path / "results.jsonl"
    file.write_text(
        _line("environment", ENVIRONMENT)
        + _line("default.toml: unsloth", TRAINED)
        + _line("same seed twice", REPEAT)
        + _line("out of memory", HALVING)
        + _line("answers", ANSWERS)
        + _line("compiled", None, None, skipped="It takes about 90 s, and 12 s are left.")
        + _line("fast.toml", TRAINED, False, error="ended\nbadly | here"),
        encoding="utf-8",
    )
    return file


def _row(table: str, first: str) -> list[str]:
    """The cells of the only row that begins so."""
    [row] = [line for line in table.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in row.strip("|").split(" | ")]


def _section(text: str, title: str) -> str:
    return text.partition(f"### {title}\n")[2].partition("###")[0]


def test_the_heading_says_card_versions_date_and_command(results: Path) -> None:
    heading = markdown(read_results(results)).partition("###")[0]
    assert "## Card 24" in heading
    for fact in ("24.1 of 25.8 GB", "580.1", "8.9", "torch 2.11.0", "not installed: xformers", "2026-11-26"):
        assert fact in heading
    assert "`python -m bench.gpu --steps default`" in heading


def test_estimated_stands_beside_measured_with_the_ratio(results: Path) -> None:
    text = markdown(read_results(results))
    memory = _section(text, "Memory of a training")
    assert _row(memory, "recipe") == [
        *("recipe", "allocated", "reserved", "estimated", "measured / estimated"),
        *("weights", "activations", "context"),
    ]
    assert _row(memory, "default.toml: unsloth") == [
        *("default.toml: unsloth", "17.00", "18.00", "20.00", "0.93"),
        *("15.00", "4.50", "0.50"),
    ]
    speed = _row(_section(text, "Training"), "default.toml: unsloth")
    assert speed[1:6] == ["5,123 (5,100 to 5,200)", "float16", "sdpa, deterministic", "12.000 to 11.500", "inf to 0.5"]
    assert "micro-batch 4 to 2" in speed[6]


def test_an_estimate_alone_is_not_shown_as_measured(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    unmeasured = TRAINED | {"allocated_gb": None, "reserved_gb": None}
    file.write_text(_line("environment", ENVIRONMENT) + _line("it", unmeasured), encoding="utf-8")
    memory = _section(markdown(read_results(file)), "Memory of a training")
    assert _row(memory, "it")[:5] == ["it", "", "", "20.00", ""]


def test_answers_by_batch_with_the_slowest_and_the_fastest_call(results: Path) -> None:
    answers = _section(markdown(read_results(results)), "Answering")
    assert _row(answers, "base") == ["base", "24 (19 to 32)", "192 (154 to 256)", "16.00"]
    assert _row(answers, "mixed") == ["mixed", "", "192 (154 to 256)", "16.50"]


def test_equality_and_memory_that_ran_out(results: Path) -> None:
    text = markdown(read_results(results))
    assert _row(text, "same seed twice")[1:] == ["float16", "apart by up to 0.012", "another"]
    assert _row(text, "out of memory")[1:] == ["7 GB", "8 to 4 to 2"]


def test_what_failed_or_was_skipped_has_no_row_and_a_reason(results: Path) -> None:
    text = markdown(read_results(results))
    assert "| fast.toml |" not in text
    rest = _section(text, "Not measured").splitlines()
    assert "- compiled: skipped. It takes about 90 s, and 12 s are left." in rest
    assert "- fast.toml: FAILED. ended badly | here" in rest


def test_a_second_call_replaces_what_it_ran_again(results: Path) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(_line("environment", ENVIRONMENT | {"command": "python -m bench.gpu --steps compiled"}))
        file.write(_line("compiled", TRAINED | {"tokens_per_second": 7000.0}))
        file.write(_line("default.toml: unsloth", None, None, skipped="No time."))
    text = markdown(read_results(results))
    speed = _section(text, "Training")
    assert text.count("## Card 24") == 1
    assert _row(speed, "compiled")[1].startswith("7,000 ")
    assert _row(speed, "default.toml: unsloth")[1].startswith("5,123 ")
    assert "--steps default" in text and "--steps compiled" in text


def test_another_card_is_another_section(results: Path) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(_line("environment", ENVIRONMENT | {"hardware": HARDWARE | {"gpu": "Card 8"}}))
        file.write(_line("small_gpu.toml", TRAINED))
    text = markdown(read_results(results))
    assert "small_gpu.toml" in text.partition("## Card 8")[2]
    assert "small_gpu.toml" not in text.partition("## Card 8")[0]


def test_results_come_back_as_they_were_written(results: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied.jsonl"
    for result in read_results(results):
        append_result(copied, result)
    assert read_results(copied) == read_results(results)


def test_a_torn_last_line_is_passed_over(results: Path) -> None:
    whole = read_results(results)
    with results.open("a", encoding="utf-8") as file:
        file.write('{"step": "to')
    assert read_results(results) == whole


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.txt"
    file.write_text("other\n", encoding="utf-8")
    for path in (file, tmp_path / "missing.jsonl"):
        with pytest.raises(UserError, match="no results file"):
            read_results(path)


def test_an_error_is_one_line_for_the_reader() -> None:
    result = Result(step="it", ok=False, error="a\nb")
    assert result.sentence == "it: FAILED. a b"


def test_trainings_that_ran_beside_each_other_have_memory_and_no_speed(results: Path) -> None:
    with results.open("a", encoding="utf-8") as file:
        file.write(Result.model_validate_json(_line("beside", TRAINED)).untimed.model_dump_json() + "\n")
    text = markdown(read_results(results))
    assert _row(_section(text, "Memory of a training"), "beside")[1:3] == ["17.00", "18.00"]
    assert "beside" not in _section(text, "Training")


def test_batches_of_a_step_that_ran_out_of_time_are_told_as_well(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    lines = _line("environment", ENVIRONMENT) + _line("answers", ANSWERS, False, error="not done after 61 s")
    file.write_text(lines, encoding="utf-8")
    text = markdown(read_results(file))
    assert _row(_section(text, "Answering"), "mixed")[2].startswith("192 ")
    assert "not done after 61 s" in _section(text, "Not measured")
