"""Train on given rows in a process of its own, and write what came of it as JSON.

    python train_rows.py RECIPE FOLDER [again]

`again`: go on from the first checkpoint once more when it is done. The rows are FOLDER's, as `write_rows` left them.

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
HIDDEN = os.environ.get("QWENLAB_TEST_HIDDEN", "").split()
"""Packages that shall not be found."""

READ = [
    [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    for question, answer in (("Why?", "So."), ("x", "It is what it is."))
]
"""Conversations of fewer tokens than the rows that Unsloth trains on."""

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
    """After `import unsloth`: rope caches without a device index, and TRL's trainer rewritten and wrapped.

    Under UNSLOTH_ALLOW_CPU Unsloth leaves TRL alone, so what it does to it on a GPU is called here.
    """
    import unsloth.models.llama as llama
    import unsloth.models.loader as loader
    import unsloth.models.rl as rl
    import unsloth.trainer
    from unsloth.context_parallel import patch_sft_trainer
    from unsloth.utils import attention_dispatch

    attention_dispatch.HAS_XFORMERS = False
    # As on a card that has bfloat16: on others a Qwen3.5 gets weights in float16, whatever is asked for.
    loader.is_bfloat16_supported = lambda: True

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
    unsloth.trainer._patch_trl_trainer()
    patch_sft_trainer()


def main(recipe_file: Path, folder: Path, again: bool) -> None:
    from qwenlab.recipe import read_recipe
    from qwenlab.training import choose_engine
    from tests.training.hidden import hide

    hide(*HIDDEN)
    recipe = read_recipe(recipe_file)
    stood_in = recipe.model.engine == "unsloth" and not ON_GPU
    if stood_in:
        stand_in_for_cuda()
    engine = choose_engine(recipe.model)
    if stood_in:
        make_unsloth_run_on_cpu()
    if GPU_GB:
        from bench.gpu.child import cap_memory

        cap_memory(float(GPU_GB))

    from trl import SFTTrainer

    from qwenlab.inference.trained import TrainedReader
    from qwenlab.runs import Run, Status
    from qwenlab.runs.events import Note, StatusChange, Train, Validation, of_kind
    from qwenlab.runs.output import Output
    from qwenlab.runs.progress import Progress
    from qwenlab.runs.samples import SamplePrompt, SamplePrompts, Turn
    from qwenlab.runs.stop import Stopper
    from qwenlab.training import samples
    from qwenlab.training.environment import versions
    from qwenlab.training.execution import plan_execution
    from qwenlab.training.fit import fit
    from qwenlab.training.load import LoadedModel
    from qwenlab.training.memory import forget_attempt
    from qwenlab.training.rows import read_rows

    drift: list[list[float]] = []

    def delivered(trained: LoadedModel) -> None:
        trained.fill_adapter(run.adapter)
        drift[:] = [list(one) for one in TrainedReader(trained).likelihoods(READ, "tuned", None)]

    run, execution = Run.create(folder, recipe, engine.name), plan_execution(recipe, engine)
    question = SamplePrompt(file="", row=1, messages=[Turn(role="user", content="Why?")], answer="So.")
    SamplePrompts(prompts=[question], thinking=None, max_new_tokens=2).write(run.sample_prompts_file)
    samples.MOST_TIME = 1000.0
    with run.owned(), Output(run.log_file) as output:
        fit(run, recipe, engine, read_rows(folder), execution, Progress(output), Stopper(), None, delivered)
        undisturbed = [event.loss for event in of_kind(run.events, Train)]
        if again:
            first = run.checkpoints[0]
            going_on = int(first.name.partition("-")[2])
            run.log.write(StatusChange(step=0, status=Status.running, resumed_from=going_on))
            fit(run, recipe, engine, read_rows(folder), execution, Progress(output), Stopper(), first, delivered)
    record = run.read()
    assert record.engine
    train = of_kind(run.events, Train)
    told = {
        "undisturbed": undisturbed,
        "losses": [event.loss for event in train],
        "eval_losses": [event.eval_loss for event in of_kind(run.events, Validation)],
        "drift": drift,
        "samples": [[sample.step, [answer.text for answer in sample.answers]] for sample in run.samples],
        "gpu_memory_gb": [event.gpu_memory_gb for event in train],
        "notes": [note.model_dump() for note in of_kind(run.events, Note)],
        "execution": plan_execution(recipe, engine).notes,
        "versions": versions(engine),
        "engine": record.engine.model_dump(),
        "trainer": SFTTrainer.__name__,
        "module": SFTTrainer.__module__,
    }
    if engine.name == "unsloth":
        from unsloth.utils import attention_dispatch
        from unsloth.utils.attention_dispatch import select_attention_backend

        from qwenlab.training.execution import found_by_unsloth, use_attention

        attention_dispatch.HAS_XFORMERS = True
        found_by_unsloth.cache_clear()
        for attention in ("xformers", "sdpa"):
            use_attention(attention)
            told[f"asked for {attention}"] = [select_attention_backend(use_varlen=packed) for packed in (False, True)]
        from unsloth_zoo.fused_losses import cross_entropy_loss as loss

        loss._FUSED_CE_COMPILE_SUPPORTED = False
        loss.get_chunk_size(2, 1024, 1000)
        told["target_gb"] = loss.TARGET_GB
        told["remembered"] = [loss._measured_target_gb.cache_info().currsize, loss._FUSED_CE_COMPILE_SUPPORTED]
        forget_attempt()
        told["forgotten"] = [loss._measured_target_gb.cache_info().currsize, loss._FUSED_CE_COMPILE_SUPPORTED]
    (folder / "told.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "again" in sys.argv[3:])
