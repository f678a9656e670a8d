"""A random Qwen and random rows: enough for everything about training but a good model."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from qwenlab.recipe import Recipe, read_recipe
from qwenlab.training import choose_engine
from qwenlab.training.engine import Engine

TINY = Path(__file__).parent.parent.parent / "recipes" / "tiny.toml"


@pytest.fixture(scope="session")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random two-layer Qwen2."""
    from tests.models.qwen import save_random_qwen

    return save_random_qwen(tmp_path_factory.mktemp("qwen"))


@pytest.fixture
def recipe(qwen: Path) -> Recipe:
    """tiny.toml on that model: 12 steps of 4 rows, validation every 4, checkpoint every 5."""
    return read_recipe(TINY).with_values(
        model={"name": str(qwen), "engine": "transformers"},
        train={"max_steps": 12, "eval_steps": 4, "save_steps": 5, "per_device_train_batch_size": 4},
    )


@pytest.fixture(scope="session")
def engine() -> Engine:
    return choose_engine(read_recipe(TINY).model)


def random_rows(count: int, longest: int = 60, seed: int = 0) -> pa.Table:
    """Rows of random bytes whose first ten tokens are not learned."""
    rng = random.Random(seed)
    ids = [[rng.randrange(200) for _ in range(rng.randrange(20, longest))] for _ in range(count)]
    columns: dict[str, Any] = {"input_ids": ids, "labels": [[-100] * 10 + row[10:] for row in ids]}
    return pa.table({name: pa.array(values, pa.list_(pa.int32())) for name, values in columns.items()})
