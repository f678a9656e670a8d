"""A loaded model as one that answers: an evaluation's batches, and questions."""

from pathlib import Path

import pytest
import torch

from qwenlab.answering.answerer import Ask, Sampling, TooLargeError
from qwenlab.evaluation.generation import Batch, Unit, answer_batch, sample_seed
from qwenlab.evaluation.programs.problem import Problem
from qwenlab.evaluation.suites.code_contests import contest_item
from qwenlab.inference import local
from qwenlab.inference.load import Inference, load_inference
from qwenlab.inference.local import LocalAnswerer
from qwenlab.recipe import EvaluateSettings, read_recipe
from qwenlab.training.engine import Engine
from qwenlab.training.load import load

TINY = read_recipe(Path(__file__).parent.parent.parent / "recipes" / "tiny.toml")
PROBLEMS = [
    Problem(name=f"p{number}", description=f"Given an integer n, print n plus {number}.", tests=()) for number in (1, 2)
]
UNITS = tuple(Unit(contest_item(problem), 0) for problem in PROBLEMS)


@pytest.fixture(scope="module")
def loaded(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Inference:
    """The tiny Qwen with an adapter that changes what it says."""
    trained = load(TINY, engine)
    torch.manual_seed(1)
    for name, parameter in trained.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    folder = tmp_path_factory.mktemp("run") / "adapter"
    trained.save_adapter(folder)
    return load_inference(TINY.model, engine, {"tuned": folder})


@pytest.fixture(scope="module")
def answerer(loaded: Inference) -> LocalAnswerer:
    return LocalAnswerer(loaded)


def test_each_side_answers_as_itself(answerer: LocalAnswerer) -> None:
    settings = EvaluateSettings(max_new_tokens=24)
    base, tuned, again = (
        answer_batch(Batch(side, UNITS), answerer, settings) for side in ("base", "tuned", "base_again")
    )
    assert [sample.item for sample in base] == ["p1", "p2"]
    assert {sample.model for sample in tuned} == {"tuned"}
    assert [sample.answer for sample in base] == [sample.answer for sample in again]
    assert all(first.answer != second.answer for first, second in zip(base, tuned, strict=True))


def test_an_answer_cut_short_says_so(answerer: LocalAnswerer) -> None:
    samples = answer_batch(Batch("base", UNITS), answerer, EvaluateSettings(max_new_tokens=3))
    assert [(sample.tokens, sample.truncated) for sample in samples] == [(3, True), (3, True)]


def test_a_statement_that_fills_the_context_gets_no_answer(loaded: Inference, answerer: LocalAnswerer) -> None:
    long = Unit(contest_item(Problem(name="long", description="word " * loaded.context, tests=())), 0)
    settings = EvaluateSettings(max_new_tokens=24)
    samples = answer_batch(Batch("base", (long, *UNITS)), answerer, settings)
    assert (samples[0].answer, samples[0].tokens, samples[0].truncated) == ("", 0, True)
    assert samples[1:] == answer_batch(Batch("base", UNITS), answerer, settings)


def test_sampling_is_by_the_problem_s_own_seed(answerer: LocalAnswerer) -> None:
    settings = EvaluateSettings(max_new_tokens=24, temperature=1.0)
    together = answer_batch(Batch("base", UNITS), answerer, settings)
    alone = [answer_batch(Batch("base", (unit,)), answerer, settings)[0] for unit in UNITS]
    assert together == alone
    other = answer_batch(Batch("base", UNITS), answerer, settings.model_copy(update={"seed": 7}))
    assert other != together
    assert sample_seed(42, "base", UNITS[0]) != sample_seed(7, "base", UNITS[0])


def test_no_memory_left_is_told_to_the_one_who_can_halve(
    answerer: LocalAnswerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr(local, "generate", out_of_memory)
    with pytest.raises(TooLargeError, match=r"for 2 answers at once \(CUDA .* 2 GiB\)\.") as caught:
        answerer.answer([Ask([], Sampling(1)), Ask([], Sampling(1))])
    assert caught.value.__context__ is None, "the error's traceback would hold the tensors"
