"""See it learn: held-out prompts at every validation, which the training itself must not notice."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from qwenlab.data import load as load_data
from qwenlab.recipe import Recipe
from qwenlab.runs import Run, Status
from qwenlab.runs.events import Note, StatusChange, Train, Validation, of_kind
from qwenlab.runs.output import Output
from qwenlab.runs.progress import Progress
from qwenlab.runs.samples import Sample, SampleAnswer, SamplePrompt, SamplePrompts, Turn, append_sample
from qwenlab.runs.stop import Stopper
from qwenlab.training import asking, samples
from qwenlab.training.asking import answers, prompt_of, token_ids
from qwenlab.training.engine import Engine
from qwenlab.training.execution import plan_execution
from qwenlab.training.fit import fit
from qwenlab.training.load import load
from qwenlab.training.rows import Rows
from qwenlab.training.samples import choose_prompts
from qwenlab.training.source import find_model, load_tokenizer
from qwenlab.training.turn_ends import end_tokens
from tests.models.random_rows import random_rows

ROWS = Rows(random_rows(64), random_rows(8, seed=1))
QUESTIONS = ("What is 1 plus 1?", "Say it.", "Why do the leaves fall in autumn, and not in spring?")
PROMPTS = SamplePrompts(
    prompts=[
        SamplePrompt(file="a.csv", row=row, messages=[Turn(role="user", content=question)], answer="So.")
        for row, question in enumerate(QUESTIONS, start=1)
    ],
    thinking=None,
    max_new_tokens=12,
)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes."""
    monkeypatch.setattr(samples, "MOST_TIME", 1000.0)


def fitted(folder: Path, recipe: Recipe, engine: Engine, prompts: SamplePrompts | None = PROMPTS) -> Run:
    run = Run.create(folder, recipe, "test")
    if prompts:
        prompts.write(run.sample_prompts_file)
    return went_on(run, recipe, engine)


def went_on(run: Run, recipe: Recipe, engine: Engine, checkpoint: Path | None = None) -> Run:
    with run.owned(), Output(run.log_file) as output:
        execution = plan_execution(recipe, engine)
        fit(run, recipe, engine, ROWS, execution, Progress(output), Stopper(), checkpoint)
    return run


def curve(run: Run) -> list[float]:
    return [e.loss for e in of_kind(run.events, Train)] + [e.eval_loss for e in of_kind(run.events, Validation)]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_training_with_sample_prompts_is_the_training_without(
    tmp_path: Path, recipe: Recipe, engine: Engine, checkpointing: bool
) -> None:
    """Digit for digit, though dropout draws and every step depends on all before it."""
    recipe = recipe.with_values(lora={"lora_dropout": 0.3}, train={"gradient_checkpointing": checkpointing})
    without, with_ = fitted(tmp_path, recipe, engine, None), fitted(tmp_path, recipe, engine)
    assert curve(with_) == curve(without)
    ours, theirs = (load_file(run.adapter / "adapter_model.safetensors") for run in (with_, without))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert without.samples == [] and not without.samples_file.exists()
    assert [sample.step for sample in with_.samples] == [0, 4, 8, 12]


@pytest.mark.usefixtures("always")
def test_answers_are_what_the_model_says_then_the_base_s_first(tmp_path: Path, recipe: Recipe, engine: Engine) -> None:
    run = fitted(tmp_path, recipe.with_values(train={"learning_rate": 0.05}), engine)
    first, *_, last = run.samples
    assert len(first.answers) == len(last.answers) == 3
    assert [answer.text for answer in first.answers] != [answer.text for answer in last.answers]
    loaded = load(run.recipe, engine)
    assert [one.text for one in answers(loaded, PROMPTS)] == [one.text for one in first.answers], "a fresh adapter's"
    loaded.fill_adapter(run.folder / "checkpoint-12")
    assert [one.text for one in answers(loaded, PROMPTS)] == [one.text for one in last.answers]
    assert all(sample.seconds > 0 and sample.time > 1.7e9 for sample in run.samples)
    assert all(0 < answer.tokens <= 12 for sample in run.samples for answer in sample.answers)


@pytest.mark.parametrize("way", [asking._read_once, asking._read_anew])
def test_a_batch_answers_as_each_prompt_alone_and_without_a_cache(
    recipe: Recipe, engine: Engine, way: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_read_once", way)
    loaded = load(recipe, engine)
    model, tokenizer = loaded.model.eval(), loaded.tokenizer
    together = answers(loaded, PROMPTS)
    for prompt, answer in zip(PROMPTS.prompts, together, strict=True):
        ids = token_ids(prompt_of(prompt, tokenizer, None), tokenizer)
        begun = len(ids)
        ends = end_tokens(loaded.source, tokenizer)
        while len(ids) - begun < 12 and not (ids[begun:] and ids[-1] in ends):
            with torch.no_grad():
                ids.append(int(model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
        written = ids[begun:-1] if ids[-1] in ends else ids[begun:]
        assert answer == SampleAnswer(
            text=tokenizer.decode(written, skip_special_tokens=True), tokens=len(written), cut=ids[-1] not in ends
        )


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was_also_by_an_error(
    recipe: Recipe, engine: Engine, training: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load(recipe, engine)
    loaded.model.gradient_checkpointing_enable({"use_reentrant": False})
    loaded.model.train(training)
    next(loaded.model.modules()).training = not training  # as nobody would have guessed

    def state() -> list[Any]:
        flags = [(part.training, vars(part).get("gradient_checkpointing")) for part in loaded.model.modules()]
        own = loaded.model.get_base_model().generation_config.to_dict(), loaded.model.config.use_cache
        weights = [float(parameter.detach().sum()) for parameter in loaded.model.parameters()]
        drawn = (torch.get_rng_state().tolist(), random.getstate())
        return [flags, own, weights, drawn, torch.are_deterministic_algorithms_enabled()]

    before = state()
    assert any(checkpointing for _, checkpointing in before[0])
    answers(loaded, PROMPTS)
    assert state() == before
    monkeypatch.setattr(type(loaded.model.get_base_model()), "forward", _out_of_memory)
    with pytest.raises(torch.OutOfMemoryError):
        answers(loaded, PROMPTS)
    assert state() == before


def _out_of_memory(*_: Any, **__: Any) -> Any:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nSee the manual.")


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (torch.OutOfMemoryError("CUDA out of memory.\nSee the manual."), "CUDA out of memory."),
        (RuntimeError("cumsum_cuda does not have a deterministic implementation"), "cumsum_cuda does not have"),
        (AttributeError("'Cache' object has no attribute 'x'"), "no attribute 'x'"),
    ],
)
def test_trouble_with_the_prompts_ends_them_with_a_note_and_the_training_goes_on(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    asked = itertools.count()

    def failing(*given: Any) -> list[SampleAnswer]:
        if next(asked) == 1:
            raise error
        return answers(*given)

    monkeypatch.setattr(samples, "answers", failing)
    run = fitted(tmp_path, recipe, engine)
    assert len(of_kind(run.events, Train)) == 12 and len(of_kind(run.events, Validation)) == 4
    assert [sample.step for sample in run.samples] == [0] and next(asked) == 2, "it is not tried again"
    (note,) = of_kind(run.events, Note)
    assert (note.about, note.step) == ("samples", 4)
    assert note.text.startswith("the held-out prompts are no longer asked: ") and told in note.text
    assert "manual" not in note.text
    has_traceback = "Traceback" in run.log_file.read_text()
    assert has_traceback == (not isinstance(error, torch.OutOfMemoryError)), "a bug can be looked into"


@pytest.mark.parametrize("file", ["sample_prompts.json", "samples.jsonl"])
def test_a_file_that_was_damaged_ends_the_asking_and_no_training(
    tmp_path: Path, recipe: Recipe, engine: Engine, file: str
) -> None:
    run = Run.create(tmp_path, recipe, "test")
    PROMPTS.write(run.sample_prompts_file)
    (run.folder / file).write_text('{"step": "one"}\n')
    went_on(run, recipe.with_values(train={"max_steps": 4}), engine)
    (note,) = of_kind(run.events, Note)
    assert file in note.text and "cannot be read" in note.text
    assert (run.folder / file).read_text() == '{"step": "one"}\n'


class Clock:
    """Time in which a step takes a second and an answer as long as it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    time = monotonic


@pytest.fixture
def asked_at(tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """The steps at which a run of a hundred steps is asked, with a validation every fifth."""

    def run_through(cost: float, steps: int = 100, begun: int = 0) -> list[int]:
        clock = Clock()
        monkeypatch.setattr(samples, "time", clock)

        def answered(*_: Any) -> list[SampleAnswer]:
            clock.now += cost
            return []

        monkeypatch.setattr(samples, "answers", answered)
        run = next((Run(path) for path in tmp_path.glob("2*")), None) or Run.create(tmp_path, recipe, "test")
        PROMPTS.write(run.sample_prompts_file)
        with Output(run.log_file) as output:
            asking = samples.Samples(run, recipe, Progress(output))
            asking.begin(begun)
            for step in range(begun, steps + 1, 5):
                asking.ask(None, step, last=step == steps)  # type: ignore[arg-type]
                clock.now += 5
            asking.tell()
        return [sample.step for sample in run.samples]

    return run_through


def test_answers_take_at_most_their_share_of_the_time(asked_at: Callable[..., list[int]], tmp_path: Path) -> None:
    assert asked_at(0.01) == list(range(0, 101, 5)), "0.2 % of the time"
    (log,) = tmp_path.glob("2*/log.txt")
    assert log.read_text().splitlines()[-1] == "sample answers took 0.2 s, 0.2 % of the training"


def test_validations_that_the_time_does_not_allow_go_without(
    asked_at: Callable[..., list[int]], tmp_path: Path
) -> None:
    steps = asked_at(0.5)
    assert steps[0] == 0 and steps[-1] == 100, "the first and the last always"
    assert steps == [0, 35, 50, 70, 85, 100], "each time three hundredths of the time pay for one"
    (log,) = tmp_path.glob("2*/log.txt")
    assert log.read_text().splitlines()[-1] == (
        "sample answers took 3.0 s, 2.8 % of the training; to save time, 15 validations went without"
    )


def test_what_costs_too_much_is_asked_twice(asked_at: Callable[..., list[int]]) -> None:
    assert asked_at(50.0) == [0, 100]


def test_a_resumed_run_knows_what_the_answers_cost(asked_at: Callable[..., list[int]]) -> None:
    assert asked_at(0.5, steps=50)[-1] == 50
    assert asked_at(0.5, begun=55)[-3:] == [75, 90, 100]


def test_a_resumed_run_asks_the_same_prompts_and_no_step_twice(
    tmp_path: Path, recipe: Recipe, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MOST_TIME", 1000.0)
    recipe = recipe.with_values(train={"save_steps": 4})
    run = fitted(tmp_path, recipe, engine)
    whole = [(sample.step, sample.answers) for sample in run.samples]
    # It was killed on the way to step 12, of which it had written a part.
    (run.folder / "checkpoint-12").rename(tmp_path / "gone")
    with run.samples_file.open("a") as file:
        file.write('{"step": 16, "ti')
    run.log.write(StatusChange(step=8, status=Status.running, resumed_from=8))
    went_on(run, recipe, engine, run.folder / "checkpoint-8")
    assert [(sample.step, sample.answers) for sample in run.samples] == whole
    assert len({sample.time for sample in run.samples}) == 4
    assert run.sample_prompts == PROMPTS
    longer = recipe.with_values(train={"max_steps": 16})
    went_on(run, longer, engine, run.folder / "checkpoint-12")
    assert [sample.step for sample in run.samples] == [0, 4, 8, 12, 16]


@pytest.mark.parametrize(("count", "prompts"), [(0, PROMPTS), (3, PROMPTS.model_copy(update={"prompts": []}))])
def test_off_means_that_nothing_is_asked_and_so_do_prompts_that_are_all_too_long(
    tmp_path: Path, recipe: Recipe, engine: Engine, count: int, prompts: SamplePrompts
) -> None:
    run = fitted(tmp_path, recipe.with_values(train={"sample_prompts": count, "max_steps": 4}), engine, prompts)
    assert not run.samples_file.exists() and "sample answers" not in run.log_file.read_text()


def test_another_process_asks_nothing(tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path, recipe, "test")
    PROMPTS.write(run.sample_prompts_file)
    append_sample(run.samples_file, Sample(step=9, seconds=1.0, answers=[]))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    beside = samples.Samples(run, recipe, Progress(Output()))
    beside.begin(0)
    beside.ask(None, 0, last=True)  # type: ignore[arg-type]
    beside.tell()
    assert [sample.step for sample in run.samples] == [9], "what the first process has written stands"


def chosen(recipe: Recipe, **train: Any) -> SamplePrompts:
    recipe = recipe.with_values(data={"max_length": 2048} if recipe.data.max_length == 512 else {}, train=train)
    dataset = load_data(recipe.data, recipe.train.seed)
    return choose_prompts(dataset.validation, load_tokenizer(find_model(recipe.model)), recipe, None)


def test_prompts_are_held_out_rows_by_seed_with_the_data_s_answers(recipe: Recipe) -> None:
    prompts = chosen(recipe).prompts
    assert len({prompt.question for prompt in prompts}) == 3
    validation = load_data(recipe.data, 42).validation
    held_out = {(row["file"], row["row"]): row["messages"] for row in validation.iter_rows(named=True)}
    for prompt in prompts:
        assert held_out[prompt.file, prompt.row][-1]["content"] == prompt.answer
    assert chosen(recipe).prompts == prompts != chosen(recipe, seed=7).prompts
    assert chosen(recipe, sample_prompts=1).prompts == prompts[:1]


def test_prompts_leave_room_for_an_answer(recipe: Recipe) -> None:
    tokenizer = load_tokenizer(find_model(recipe.model))
    recipe = recipe.with_values(data={"max_length": 700})
    found = chosen(recipe)
    assert found.prompts and found.max_new_tokens == 128
    assert all(len(token_ids(prompt_of(prompt, tokenizer, None), tokenizer)) <= 572 for prompt in found.prompts)
    assert chosen(recipe.with_values(data={"max_length": 40})).prompts == []
    assert chosen(recipe.with_values(evaluate={"max_new_tokens": 9})).max_new_tokens == 9


def test_rows_that_ask_nothing_or_are_not_learned_are_no_prompts(recipe: Recipe) -> None:
    def turn(role: str, content: str, learned: bool | None = None) -> dict[str, Any]:
        return {"role": role, "content": content, "reasoning_content": None, "learned": learned}

    rows = [
        [turn("user", "one"), turn("assistant", "1", False)],
        [turn("assistant", "2")],
        [turn("user", "three"), turn("assistant", "3")],
        [turn("user", "three"), turn("assistant", "3, again")],
        [turn("system", "Be kind."), turn("user", "four"), turn("assistant", "4"), turn("user", "five"),
         turn("assistant", "5")],
    ]  # fmt: skip
    frame = pl.DataFrame({"file": "a", "row": range(1, len(rows) + 1), "messages": rows})
    found = choose_prompts(frame, load_tokenizer(find_model(recipe.model)), recipe, None).prompts
    assert {prompt.question for prompt in found} == {"three", "five"}
    (several,) = (prompt for prompt in found if prompt.question == "five")
    assert [turn.role for turn in several.messages] == ["system", "user", "assistant", "user"]
    assert several.answer == "5"
