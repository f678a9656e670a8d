"""Running out of GPU memory, in the words of every library that may say so."""

import gc
import weakref
from pathlib import Path

import pytest
import torch

from qwenlab.training import memory
from qwenlab.training.memory import first_line, forget_attempt, is_out_of_memory

TORCH = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.52 GiB of which 1.06 GiB is "
    "free. Including non-PyTorch memory, this process has 22.45 GiB memory in use. Of the allocated memory 21.50 GiB "
    "is allocated by PyTorch, and 0.46 GiB is reserved by PyTorch but unallocated. If reserved but unallocated memory "
    "is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation."
)
OUT = {
    "torch": torch.OutOfMemoryError(TORCH),
    "torch, reworded": torch.OutOfMemoryError("Allocation on device"),
    "CUDA": torch.AcceleratorError("CUDA error: out of memory\nSearch for `cudaErrorMemoryAllocation' in the manual."),
    "CUDA's driver": RuntimeError("CUDA driver error: out of memory"),
    "Triton": RuntimeError("Triton Error [CUDA]: out of memory"),
    "cuBLAS": RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "cuSOLVER": RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`"),
    "cuDNN 8": RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    "cuDNN 9": RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    "NCCL": RuntimeError("NCCL error in: ProcessGroupNCCL.cpp:3690, Last error:\nCuda failure 2 'out of memory'"),
    "Unsloth": RuntimeError("Unsloth: No or negligible GPU memory available for fused cross entropy."),
    "a compiled graph": RuntimeError(f"backend='inductor' raised:\nOutOfMemoryError: {TORCH}"),
}
OTHER = {
    "a kernel too large for the card": RuntimeError(
        "Triton Error: out of resource: shared memory, Required: 147456, Hardware limit: 101376."
    ),
    "a wrong shape": RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"),
    "an illegal access": torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
    "a user's text": ValueError("the column `CUDA out of memory` is not there"),
    "memory that is no GPU's": RuntimeError(
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"
    ),
    "a cuBLAS that fails": RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"),
}


@pytest.mark.parametrize("error", OUT.values(), ids=OUT)
def test_every_library_s_words_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", OTHER.values(), ids=OTHER)
def test_other_errors_are_other_errors(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_an_error_that_was_made_of_another_is_looked_through() -> None:
    def raised(explicit: bool, hidden: bool = False) -> Exception:
        try:
            try:
                raise torch.OutOfMemoryError(TORCH)
            except torch.OutOfMemoryError as error:
                if hidden:
                    raise ValueError("the loss failed") from None
                if explicit:
                    raise ValueError("the loss failed") from error
                raise ValueError("the loss failed")  # noqa: B904
        except ValueError as error:
            return error

    assert is_out_of_memory(raised(explicit=True)) and is_out_of_memory(raised(explicit=False))
    assert not is_out_of_memory(raised(explicit=False, hidden=True))


def test_a_ring_of_causes_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert not is_out_of_memory(one)


def test_what_is_told_of_it_is_its_first_line() -> None:
    assert first_line(OUT["CUDA"]) == "CUDA error: out of memory"


def test_a_failed_attempt_s_cycles_are_freed() -> None:
    class Node:
        itself: "Node"

    node = Node()
    node.itself = node
    gone = weakref.ref(node)
    gc.disable()
    try:
        del node
        assert gone() is not None
        forget_attempt()
        assert gone() is None
    finally:
        gc.enable()


def test_bitsandbytes_forgets_its_paged_tensors() -> None:
    import bitsandbytes.functional as bnb

    manager = bnb.GlobalPageManager.get_instance()
    manager.paged_tensors.append(torch.zeros(1))
    forget_attempt()
    assert manager.paged_tensors == []


def test_the_texts_are_looked_for_in_every_place_that_catches() -> None:
    """A new place that catches torch's own class alone would miss the others."""
    package = Path(memory.__file__).parent.parent
    catching = [path.name for path in package.rglob("*.py") if "OutOfMemoryError" in path.read_text(encoding="utf-8")]
    assert catching == ["memory.py"]
