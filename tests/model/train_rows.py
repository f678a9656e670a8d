"""Train on given rows in a process of its own, and write what came of it as JSON.

    python train_rows.py RECIPE ROWS.arrow FOLDER

A process of its own, since Unsloth has to be imported before the libraries that it patches. Where there is no GPU,
Triton's interpreter runs Unsloth's kernels on the CPU, and what stands in below is what Unsloth asks of torch.cuda
and of xformers, nothing of what it computes. 4-bit weights, the fused LoRA kernels (off for float32), flash attention
and torch.compile are not reached that way: the tests that need them are marked `gpu`.
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

ON_GPU = torch.cuda.is_available()
GPU_GB = os.environ.get("QWENLAB_TEST_GPU_GB")
"""As if the card had only so much memory."""

CARD = SimpleNamespace(
    name="CPU",
    total_memory=24 * 2**30,
    major=8,
    minor=0,
    multi_processor_count=1,
    gcnArchName="",
    regs_per_multiprocessor=65536,
    warp_size=32,
)


class NoDevice:
    """torch.cuda.device as a context that changes nothing."""

    idx = 0

    def __init__(self, *_: object) -> None: ...
    def __enter__(self) -> "NoDevice":
        return self

    def __exit__(self, *_: object) -> None: ...


def stand_in_for_cuda() -> None:
    """Answer what Unsloth asks about the card as it is imported and as it launches kernels."""
    os.environ |= {"UNSLOTH_ALLOW_CPU": "1", "TRITON_INTERPRET": "1", "UNSLOTH_COMPILE_DISABLE": "1"}
    answers: dict[str, Any] = {
        "get_device_properties": lambda *_: CARD,
        "get_device_capability": lambda *_: (CARD.major, CARD.minor),
        "mem_get_info": lambda *_: (20 * 2**30, CARD.total_memory),
        "max_memory_reserved": lambda *_: 0,
        "current_device": lambda: "cpu",
        "device": NoDevice,
        "is_bf16_supported": lambda *_, **__: True,
        "device_count": lambda: 1,
        "empty_cache": lambda: None,
    }
    for name, answer in answers.items():
        setattr(torch.cuda, name, answer)
    torch._C._cuda_getCurrentRawStream = lambda _: 0


def make_unsloth_run_on_cpu() -> None:
    """After `import unsloth`: SDPA instead of xformers, rope caches without a device index, and the trainer rewritten.

    Under UNSLOTH_ALLOW_CPU Unsloth leaves TRL alone, so the rewriting that it does on a GPU is called here.
    """
    import unsloth.models.llama as llama
    import unsloth.models.rl as rl
    from unsloth.utils import attention_dispatch

    attention_dispatch.HAS_XFORMERS = False

    class OneSlot(list[Any]):
        """The caches are lists by device index, and a CPU tensor's index is None."""

        def __init__(self) -> None:
            super().__init__([None])

        def __getitem__(self, _: Any) -> Any:
            return super().__getitem__(0)

        def __setitem__(self, _: Any, value: Any) -> None:
            super().__setitem__(0, value)

    cache = llama._PerDeviceRopeCache
    original = cache._init_rope_cache_state

    def init(self: Any, dtype: Any) -> None:
        self.multi_gpu_cos_cached, self.multi_gpu_sin_cached = OneSlot(), OneSlot()
        original(self, dtype)
        self._rope_cache_versions, self._rope_rows_ready = OneSlot(), OneSlot()
        self._rope_rows_ready[0] = 0

    def grow(self: Any, length: int, dtype: Any) -> None:
        self.current_rope_size, self._rope_cache_dtype = length, dtype
        self._rope_cache_version += 1
        self._rope_rows_ready[0] = 0

    cache._init_rope_cache_state, cache._grow_rope_cache = init, grow
    os.environ["UNSLOTH_ALLOW_CPU"] = "0"
    rl._patch_trl_rl_trainers("sft_trainer")


def main(recipe_file: Path, rows_file: Path, folder: Path) -> None:
    from qwenlab.model import choose_engine
    from qwenlab.recipe import read_recipe

    recipe = read_recipe(recipe_file)
    stood_in = recipe.model.engine == "unsloth" and not ON_GPU
    if stood_in:
        stand_in_for_cuda()
    engine = choose_engine(recipe.model)
    if stood_in:
        make_unsloth_run_on_cpu()
    if GPU_GB:
        torch.cuda.set_per_process_memory_fraction(float(GPU_GB) * 1e9 / torch.cuda.mem_get_info()[1])

    import pyarrow as pa
    from trl import SFTTrainer

    from qwenlab.model.progress import Progress
    from qwenlab.model.rows import Rows
    from qwenlab.model.training import Stopper, fit
    from qwenlab.runs import Run
    from qwenlab.runs.output import Output

    with pa.memory_map(str(rows_file)) as file:
        table = pa.ipc.open_file(file).read_all()
    run = Run.create(folder, recipe, engine.name)
    with run.held(), Output(run.log_file) as output:
        fit(run, recipe, engine, Rows(table, None), Progress(output), Stopper(), None)
    record = run.read()
    assert record.engine
    train = [event for event in run.events if event["kind"] == "train"]
    told = {
        "losses": [event["loss"] for event in train],
        "gpu_memory_gb": [event["gpu_memory_gb"] for event in train],
        "notes": [event for event in run.events if event["kind"] == "note"],
        "engine": record.engine.model_dump(),
        "trainer": SFTTrainer.__name__,
        "module": SFTTrainer.__module__,
    }
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
