"""Every step: its name, what it runs, the seconds that it takes on a fast card, and the GB that it needs there."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bench.gpu.answers import BatchList
from bench.gpu.lab import Lab, StepError
from bench.gpu.optimisers import OptimiserList
from bench.gpu.results import Answers, Optimisers, Weights
from bench.gpu.runner import Step
from bench.gpu.trainings import SAVED_EACH, EngineName, Training, repeat, resume, run_out, train
from bench.gpu.weights import make_weights

BIG, SLIM, SMALL = "qwen2.5-7b", "qwen2.5-7b, 4 layers", "qwen3-4b"
ENGINES: tuple[EngineName, ...] = ("unsloth", "transformers")
EAGER: Mapping[str, object] = {"train.torch_compile": "false"}
"""Where the plain engine would compile, by the recipe: that takes minutes, and is the last step."""


def all_steps(lab: Lab) -> list[Step]:
    """In the order in which they run; of those that are timed, the most telling first."""
    return [*_weights(lab), *_robustness(lab), *_trainings(lab), *_answers(lab), *_variants(lab)]


def _weights(lab: Lab) -> list[Step]:
    def step(name: str, seconds: float, gb: float) -> Step:
        def work(until: float) -> Weights:
            return make_weights(lab, name, until)[1]

        return Step(f"weights: {name}", work, seconds, gb, alone=False)

    # Each needs 2 GB for a moment; more is said here, so that none is made for a card that can do nothing with it.
    return [step(SLIM, 15, 7.5), step(BIG, 40, 10), step(SMALL, 30, 6)]


def _robustness(lab: Lab) -> list[Step]:
    """Four layers are enough to see whether a training comes out the same, and what it does without memory."""
    short = {**EAGER, "data.max_length": 1024}
    equal = short | {"train.max_steps": 10, "train.save_steps": SAVED_EACH}
    large = short | {
        "train.per_device_train_batch_size": 8,
        "train.gradient_accumulation_steps": 1,
        "train.gradient_checkpointing": "false",
        "train.max_steps": 2,
    }
    steps = []
    for engine in ENGINES:
        training = Training("default.toml", SLIM, engine, equal)
        steps.append(Step(f"same seed twice: {engine}", partial(repeat, lab, training), 110, 7.5, alone=False))
        steps.append(Step(f"killed and resumed: {engine}", partial(resume, lab, training), 150, 7.5, alone=False))
    for engine in ENGINES:
        training = Training("default.toml", SLIM, engine, large, cap_gb=7, dry_rows=4)
        steps.append(Step(f"out of memory: {engine}", partial(run_out, lab, training), 80, 7.5, alone=False))
    return steps


def _timed(lab: Lab, name: str, training: Training, seconds: float, gb: float) -> Step:
    return Step(name, partial(train, lab, training, name), seconds, gb)


def _default(engine: EngineName, settings: Mapping[str, object] | None = None, cap_gb: float | None = None) -> Training:
    return Training("default.toml", BIG, engine, settings or {}, cap_gb)


def _trainings(lab: Lab) -> list[Step]:
    return [
        _timed(lab, "default.toml: unsloth, as on 24 GB", _default("unsloth", cap_gb=24), 90, 18),
        _timed(lab, "default.toml: transformers, as on 24 GB", _default("transformers", EAGER, 24), 65, 18),
        _timed(lab, "default.toml: unsloth", _default("unsloth"), 90, 18),
    ]


def _variants(lab: Lab) -> list[Step]:
    free, quantised, bfloat16, kept = (
        _default("unsloth", {"train.deterministic": "false"}),
        _default("unsloth", {"model.load_in_4bit": "true"}, 12),
        _default("unsloth", {"model.dtype": "bfloat16"}),
        _default("unsloth", {"train.gradient_checkpointing": "false"}),
    )
    small = Training("small_gpu.toml", SMALL, "unsloth", cap_gb=8)
    fast = Training("fast.toml", BIG, "unsloth", short_rows=True)
    return [
        _timed(lab, "small_gpu.toml: unsloth, as on 8 GB", small, 90, 6),
        _timed(lab, "fast.toml: unsloth, packed", fast, 75, 18),
        _timed(lab, "default.toml: unsloth, not deterministic", free, 90, 18),
        _timed(lab, "default.toml: unsloth in 4 bits, as on 12 GB", quantised, 90, 10),
        _timed(lab, "default.toml: unsloth without checkpointing", kept, 75, 70),
        _timed(lab, "default.toml: transformers", _default("transformers", EAGER), 65, 18),
        _timed(lab, "default.toml: unsloth in bfloat16", bfloat16, 90, 18),
        _timed(lab, "default.toml: transformers, compiled", _default("transformers"), 90, 18),
    ]


def _answers(lab: Lab) -> list[Step]:
    def answers(until: float) -> Answers:
        base, _ = make_weights(lab, BIG, until)
        file = lab.runs / "answers.json"
        options: list[object] = ["--cpu", "--tokens", 4] if lab.dry else []
        try:
            ended = lab.child("bench.gpu.answers", [base, base / "adapter", file, *options], "answers", until)
        except StepError as error:
            raise StepError(str(error), _read(file)) from None
        figures = _read(file)
        if ended.code or figures is None:
            raise StepError(ended.tail, figures)
        return figures

    def optimisers(until: float) -> Optimisers:
        file = lab.runs / "optimisers.json"
        ended = lab.child("bench.gpu.optimisers", [file, *(["--cpu"] if lab.dry else [])], "optimisers", until)
        if ended.code:
            raise StepError(ended.tail)
        return Optimisers(timed=OptimiserList.validate_json(file.read_bytes()))

    return [Step("optimisers", optimisers, 20, 1), Step("answers: base and tuned", answers, 110, 24)]


def _read(file: Path) -> Answers | None:
    """What the child has timed so far."""
    if not file.exists():
        return None
    return Answers(batches=BatchList.validate_json(file.read_bytes()))
