"""The plan counts what the trainer will do, also where there are fewer rows than a step could have."""

from pathlib import Path

import pytest

from qwenlab.data import load
from qwenlab.recipe import Recipe
from qwenlab.runs import Run
from qwenlab.runs.events import Train, of_kind
from qwenlab.runs.output import Output
from qwenlab.runs.progress import Progress
from qwenlab.runs.record import Hardware
from qwenlab.runs.stop import Stopper
from qwenlab.training.engine import Engine
from qwenlab.training.execution import plan_execution
from qwenlab.training.fit import fit
from qwenlab.training.plan import Plan, make_plan, plan_record
from qwenlab.training.rows import Rows, lengths
from qwenlab.training.source import find_model, load_tokenizer
from tests.models.random_rows import random_rows

MACHINE = Hardware(gpu=None, gpu_memory_gb=None, gpu_free_gb=None, cpu="a", cpu_cores=2, memory_gb=24, system="")


def planned(recipe: Recipe, engine: Engine, rows: Rows) -> Plan:
    report = load(recipe.data.model_copy(update={"source": "tiny", "max_samples": 20}), 42).report
    source = find_model(recipe.model)
    return make_plan(recipe, engine, MACHINE, source, load_tokenizer(source), rows, report)


@pytest.mark.parametrize(
    ("count", "micro", "accumulated", "epochs", "each"),
    [(5, 64, 8, 1.0, 5), (5, 2, 1, 1.0, 2), (11, 4, 2, 2.0, 8), (3, 4, 4, 3.0, 3)],
)
def test_steps_rows_and_tokens_are_those_of_the_training(
    tmp_path: Path, recipe: Recipe, engine: Engine, count: int, micro: int, accumulated: int, epochs: float, each: int
) -> None:
    recipe = recipe.with_values(
        train={
            "max_steps": -1,
            "num_train_epochs": epochs,
            "per_device_train_batch_size": micro,
            "gradient_accumulation_steps": accumulated,
        }
    )
    rows = Rows(random_rows(count), None)
    plan = planned(recipe, engine, rows)
    run = Run.create(tmp_path, recipe, "test")
    with run.owned(), Output(run.log_file) as output:
        fit(run, recipe, engine, rows, plan.execution, Progress(output), Stopper(), None)
    assert len(of_kind(run.events, Train)) == plan.steps
    assert plan.tokens == epochs * int(lengths(rows.train).sum())
    assert plan.rows_per_step == each
    report = load(recipe.data.model_copy(update={"source": "tiny", "max_samples": 20}), 42).report
    assert f"of {each} rows each" in plan_record(plan, recipe, report).facts()["steps"]


def test_the_only_warm_up_step_is_left_out_where_it_would_learn_nothing(
    tmp_path: Path, recipe: Recipe, engine: Engine
) -> None:
    """Its learning rate would be 0: a run of one step would end where it began."""
    recipe = recipe.with_values(train={"max_steps": 1, "warmup_ratio": 0.03})
    run = Run.create(tmp_path, recipe, "test")
    with run.owned(), Output(run.log_file) as output:
        execution = plan_execution(recipe, engine)
        fit(run, recipe, engine, Rows(random_rows(8), None), execution, Progress(output), Stopper(), None)
    (event,) = of_kind(run.events, Train)
    assert event.learning_rate == recipe.train.learning_rate
