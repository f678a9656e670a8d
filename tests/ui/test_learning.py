"""See it learn: the strip of answers, as the server sends it."""

import gzip
import itertools
import random
import re
from pathlib import Path

import pytest

from qwenlab.runs import Run
from qwenlab.runs.samples import Sample, SampleAnswer, SamplePrompt, SamplePrompts, Turn, append_sample
from qwenlab.ui.views.learning import MOST_STEPS, SHORT, learning_strip, thinned
from tests.conftest import ROOT
from tests.ui.made import made_prompts, made_run, made_sample

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> ${alert(1)} `{{x}}`"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Asked two prompts at three steps."""
    run = made_run(tmp_path)
    made_prompts(run, ["Two and two?", "And **three**?"], ["It is four.", "$5$"])
    made_sample(run, 0, "Fish.", "Fish.")
    made_sample(run, 5, "Three.", "Five")
    made_sample(run, 10, "It is four.", "Five")
    return run


def steps(strip: str) -> list[int]:
    return [int(step) for step in re.findall(r'data-step="(\d+)"', strip)]


def test_a_run_that_was_not_asked_shows_nothing(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    assert learning_strip(run) == ""
    made_prompts(run, ["One?"], ["1"])
    assert learning_strip(run) == "", "nothing was answered yet"


def test_the_strip_has_every_step_and_shows_the_last_one_s_answers(run: Run) -> None:
    strip = learning_strip(run)
    assert steps(strip) == [0, 5, 10]
    assert re.findall(r'data-step="(\d+)" checked', strip) == ["10"]
    blocks = re.findall(r'data-from="(\d)" data-to="(\d)"( hidden)?><h4>([^<]*)', strip)
    assert blocks == [
        ("0", "0", " hidden", "The model before training"),
        ("1", "1", " hidden", "The model after step 5"),
        ("2", "2", "", "The model after step 10, word for word as in your data"),
        ("0", "0", " hidden", "The model before training"),
        ("1", "2", "", "The model, the same from step 5 to 10"),
    ]
    assert strip.count("Five") == 1, "an answer that stays is sent once"
    assert "<strong>three</strong>" in strip and 'data-tex="5"' in strip, "rendered"
    assert "2 held-out questions, asked again at each validation" in strip
    assert "In your data" in strip and "Row 2 of a.csv" in strip


def test_what_models_and_data_say_stays_text(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    made_prompts(run, [HOSTILE], [HOSTILE])
    made_sample(run, 0, HOSTILE)
    strip = learning_strip(run)
    assert "<script" not in strip and "<img" not in strip
    assert "${" not in strip and "{{" not in strip and "`" not in strip, "nor a template of Gradio's"


def test_a_long_question_is_cut_and_there_as_a_whole(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    question = "Why is it so? " * 50 + "The end."
    made_prompts(run, [question], ["So."])
    made_sample(run, 0, "So?")
    summary = re.search(r"<summary>(.*?)</summary>", learning_strip(run))
    assert summary and summary[1].endswith(" …") and len(summary[1]) <= SHORT + 2
    assert "The end." in learning_strip(run)


def test_reasoning_silence_and_cuts_are_told(tmp_path: Path) -> None:
    run = made_run(tmp_path)
    made_prompts(run, ["a", "b", "c"], ["1", "2", "3"])
    answers = [
        SampleAnswer(text="", tokens=0),
        SampleAnswer(text="", reasoning="Let me *see*", tokens=128, cut=True),
    ]
    append_sample(run.samples_file, Sample(step=0, seconds=1.0, answers=answers))
    strip = learning_strip(run)
    assert strip.count("It said nothing.") == 1
    assert "<em>see</em>" in strip and "cut after 128 tokens" in strip
    assert "This was not asked then." in strip


def test_a_new_answer_is_a_new_strip_and_a_broken_file_a_sentence(run: Run) -> None:
    before = learning_strip(run)
    made_sample(run, 15, "It is four.", "It is five.")
    assert steps(learning_strip(run)) == [0, 5, 10, 15] != steps(before)
    run.samples_file.write_text("{}\n")
    assert "samples.jsonl, line 1 cannot be read" in learning_strip(run)


def test_of_a_long_run_the_steps_are_thinned_with_the_first_and_the_last() -> None:
    known = [Sample(step=step, seconds=1.0, answers=[]) for step in range(0, 5000, 10)]
    shown = thinned(known)
    assert len(shown) == MOST_STEPS and (shown[0], shown[-1]) == (known[0], known[-1])
    gaps = {later.step - earlier.step for earlier, later in itertools.pairwise(shown)}
    assert max(gaps) - min(gaps) <= 10
    assert thinned(known[:MOST_STEPS]) == known[:MOST_STEPS]


def test_thirty_validations_of_three_prompts_are_at_most_20_kb_on_the_wire(tmp_path: Path) -> None:
    """Answers of 128 tokens, about 500 characters, which come ever closer to the data's own."""
    run, rng = made_run(tmp_path), random.Random(0)
    words = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split()
    wanted = [" ".join(rng.choices(words, k=90))[:500] for _ in range(3)]
    turns = [Turn(role="user", content=" ".join(rng.choices(words, k=60)))]
    prompts = [SamplePrompt(file="a", row=1, messages=turns, answer=answer) for answer in wanted]
    SamplePrompts(prompts=prompts, thinking=None, max_new_tokens=128).write(run.sample_prompts_file)
    for number in range(30):
        share = 0.5**number
        texts = [" ".join(rng.choice(words) if rng.random() < share else w for w in text.split()) for text in wanted]
        made_sample(run, 100 * number, *texts)
    strip = learning_strip(run).encode()
    assert len(gzip.compress(strip, 6)) <= 20_000
    assert len(strip) <= 60_000
