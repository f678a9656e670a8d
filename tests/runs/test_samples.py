"""samples.jsonl: what the model answered along the training, whole whenever it is read."""

from pathlib import Path

import pytest

from qwenlab.errors import UserError
from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from qwenlab.runs.samples import (
    Sample,
    SampleAnswer,
    SamplePrompt,
    SamplePrompts,
    Turn,
    append_sample,
    drop_samples_after,
    read_samples,
)


def sample(step: int) -> Sample:
    answers = [SampleAnswer(text=f"After {step}:\n“yes”", tokens=4), SampleAnswer(text="", tokens=9, cut=True)]
    return Sample(step=step, time=1e9 + step, seconds=0.25, answers=answers)


def test_samples_come_back_as_they_were_written(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "test")
    assert (run.samples, run.sample_prompts) == ([], None)
    written = [sample(step) for step in (0, 10, 20)]
    for each in written:
        append_sample(run.samples_file, each)
    assert run.samples == written
    assert len(run.samples_file.read_text(encoding="utf-8").splitlines()) == 3


def test_the_prompts_tell_what_the_user_said_last(tmp_path: Path) -> None:
    run = Run.create(tmp_path, Recipe(), "test")
    turns = [Turn(role="user", content="one"), Turn(role="assistant", content="1"), Turn(role="user", content="two")]
    prompt = SamplePrompt(file="a.csv", row=7, messages=turns, answer="2")
    SamplePrompts(prompts=[prompt], thinking=True, max_new_tokens=128).write(run.sample_prompts_file)
    assert run.sample_prompts and run.sample_prompts.prompts == [prompt]
    assert prompt.question == "two"


def test_a_torn_last_line_is_no_sample_and_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    append_sample(path, sample(0))
    with path.open("a") as file:
        file.write('{"step": 10, "ti')
    assert read_samples(path) == [sample(0)]
    append_sample(path, sample(10))
    assert read_samples(path) == [sample(0), sample(10)]


def test_what_a_later_edition_adds_is_passed_over_and_a_broken_line_is_told(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text('{"step": 1, "time": 1.5, "seconds": 1, "mood": "good", "answers": []}\n')
    assert read_samples(path) == [Sample(step=1, time=1.5, seconds=1.0, answers=[])]
    path.write_text('{"step": "one"}\n')
    with pytest.raises(UserError, match=r"samples\.jsonl, line 1 cannot be read"):
        read_samples(path)


def test_samples_beyond_the_step_that_a_run_goes_on_from_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    drop_samples_after(path, 5)
    assert not path.exists()
    for step in (0, 10, 20):
        append_sample(path, sample(step))
    before = path.stat().st_mtime_ns
    drop_samples_after(path, 20)
    assert path.stat().st_mtime_ns == before, "nothing to forget, nothing written"
    drop_samples_after(path, 10)
    assert read_samples(path) == [sample(0), sample(10)]
