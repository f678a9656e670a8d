"""When a GPU's memory runs out: how that is recognised, and how the process begins anew without ending."""

import contextlib
import gc
import os
import re
import sys
from collections.abc import Iterator

import torch

TEXTS = re.compile(
    r"CUDA out of memory"  # torch's allocator, also inside another error's text
    r"|CUDA (driver )?error: out of memory"  # CUDA itself: pinned host memory, a stream, an expandable segment
    r"|Triton Error \[CUDA\]: out of memory"
    r"|\w+_STATUS_ALLOC_FAILED"  # cuBLAS, cuSOLVER, cuSPARSE, and cuDNN before version 9
    r"|CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"
    r"|Cuda failure \d+ 'out of memory'"  # NCCL
    r"|No or negligible GPU memory available"  # Unsloth's loss, where nothing is left for a single chunk
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a GPU's memory did not suffice, whichever library says so, itself or as the cause of another error.

    A kernel that wants more shared memory or registers than the card has ("out of resource") is none: fewer rows would
    not help it. bitsandbytes' C code ends the process when it runs out, which nothing here can see.
    """
    return any(
        isinstance(each, torch.OutOfMemoryError) or (isinstance(each, RuntimeError) and TEXTS.search(str(each)))
        for each in _with_causes(error)
    )


def first_line(error: BaseException) -> str:
    """The error without torch's advice about its settings."""
    return str(error).strip().partition("\n")[0]


def forget_attempt() -> None:
    """Give back what a failed attempt took, and what libraries remember of it.

    Call it where the error's traceback is gone, which holds the tensors. Unsloth remembers the size of its loss's
    chunks, takes an out-of-memory error in its first compiled loss for a sign that it does not compile, and resets its
    checkpointing buffers only after a training that ended well. bitsandbytes lists every paged tensor that it made.
    """
    if "unsloth_zoo" in sys.modules:
        from unsloth_zoo.fused_losses import cross_entropy_loss
        from unsloth_zoo.gradient_checkpointing import reset_unsloth_gradient_checkpointing_buffers

        cross_entropy_loss._get_chunk_multiplier.cache_clear()
        may_compile = os.environ.get("UNSLOTH_FUSED_CE_COMPILE_DISABLE", "0") != "1"
        cross_entropy_loss._FUSED_CE_COMPILE_SUPPORTED = None if may_compile else False
        with contextlib.suppress(NameError):  # there are none where rows have fewer than 512 tokens
            reset_unsloth_gradient_checkpointing_buffers()
    if "bitsandbytes" in sys.modules:
        from bitsandbytes.functional import GlobalPageManager

        GlobalPageManager.get_instance().paged_tensors.clear()
    torch._dynamo.reset()  # compiled graphs hold buffers
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    forget_peak()


def forget_peak() -> None:
    """From now on `peak_memory_gb` is that of what follows."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def peak_memory_gb() -> float | None:
    """Most memory that torch has held on the GPU since the last `forget_peak`, in GB (10^9 bytes); None on a CPU."""
    return round(torch.cuda.max_memory_reserved() / 1e9, 2) if torch.cuda.is_available() else None


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
