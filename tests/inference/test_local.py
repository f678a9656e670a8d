"""A loaded model answers an evaluation's batches."""

from pathlib import Path

import pytest
import torch

from qwenlab.evaluation.generation import Batch, TooLargeError, Unit, sample_seed
from qwenlab.evaluation.problem import Problem
from qwenlab.inference import local
from qwenlab.inference.load import Inference, load_inference
from qwenlab.inference.local import ModelAnswerer
from qwenlab.recipe import EvaluateSettings, read_recipe
from qwenlab.training.engine import Engine
from qwenlab.training.load import load

TINY = read_recipe(Path(__file__).parent.parent.parent / "recipes" / "tiny.toml")
PROBLEMS = [
    Problem(name=f"p{number}", description=f"Given an integer n, print n plus {number}.", tests=()) for number in (1, 2)
]
UNITS = tuple(Unit(problem, 0) for problem in PROBLEMS)


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


def test_each_side_answers_as_itself(loaded: Inference) -> None:
    answerer = ModelAnswerer(loaded, EvaluateSettings(max_new_tokens=24))
    base, tuned, again = (answerer(Batch(side, UNITS)) for side in ("base", "tuned", "base_again"))
    assert [sample.problem for sample in base] == ["p1", "p2"]
    assert {sample.model for sample in tuned} == {"tuned"}
    assert [sample.answer for sample in base] == [sample.answer for sample in again]
    assert all(first.answer != second.answer for first, second in zip(base, tuned, strict=True))


def test_an_answer_cut_short_says_so(loaded: Inference) -> None:
    samples = ModelAnswerer(loaded, EvaluateSettings(max_new_tokens=3))(Batch("base", UNITS))
    assert [(sample.tokens, sample.truncated) for sample in samples] == [(3, True), (3, True)]


def test_a_statement_that_fills_the_context_gets_no_answer(loaded: Inference) -> None:
    long = Unit(Problem(name="long", description="word " * loaded.context, tests=()), 0)
    answerer = ModelAnswerer(loaded, EvaluateSettings(max_new_tokens=24))
    samples = answerer(Batch("base", (long, *UNITS)))
    assert (samples[0].answer, samples[0].tokens, samples[0].truncated) == ("", 0, True)
    assert samples[1:] == answerer(Batch("base", UNITS))


def test_sampling_is_by_the_problem_s_own_seed(loaded: Inference) -> None:
    settings = EvaluateSettings(max_new_tokens=24, temperature=1.0)
    together = ModelAnswerer(loaded, settings)(Batch("base", UNITS))
    alone = [ModelAnswerer(loaded, settings)(Batch("base", (unit,)))[0] for unit in UNITS]
    assert together == alone
    other = ModelAnswerer(loaded, settings.model_copy(update={"seed": 7}))(Batch("base", UNITS))
    assert other != together
    assert sample_seed(42, "base", UNITS[0]) != sample_seed(7, "base", UNITS[0])


def test_no_memory_left_is_told_to_the_one_who_can_halve(loaded: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    monkeypatch.setattr(local, "generate", out_of_memory)
    with pytest.raises(TooLargeError, match=r"Tried to allocate 2 GiB$"):
        ModelAnswerer(loaded, EvaluateSettings())(Batch("base", UNITS))
