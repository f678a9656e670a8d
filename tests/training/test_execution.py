"""How a recipe is carried out: attention that has a backward pass on every card, and a record of what is done.

xformers' own dispatcher is asked, on a CPU, which kernels it would take for a card.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from qwenlab.recipe import Recipe, read_recipe
from qwenlab.training import execution
from qwenlab.training.engine import Engine
from qwenlab.training.execution import plan_execution
from qwenlab.training.toolchain import Missing

RECIPES = Path(__file__).parent.parent.parent / "recipes"
CARDS = {"RTX 20": (7, 5), "A100": (8, 0), "RTX 30": (8, 6), "RTX 40": (8, 9), "H100": (9, 0), "RTX 50": (12, 0)}
UNSLOTH = Engine("unsloth", "", "cuda", "float16")
PLAIN = Engine("transformers", "", "cuda", "float16")


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Unsloth has found xformers and no flash-attn, as the pinned set has it."""
    monkeypatch.setattr(execution, "found_by_unsloth", lambda: execution.Found(flash=False, xformers=True))
    yield
    torch.use_deterministic_algorithms(False)


def kernels(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], packed: bool, deterministic: bool, hopper: bool
) -> str:
    """The forward and the backward kernel that xformers would take.

    Raises:
        NotImplementedError: there is none.
    """
    from xformers.ops.fmha import attn_bias, cutlass, dispatch, flash
    from xformers.ops.fmha.common import Inputs

    def admits(kernel: Any) -> Any:
        reasons, top = kernel.not_supported_reasons, kernel.CUDA_MAXIMUM_COMPUTE_CAPABILITY
        low = kernel.CUDA_MINIMUM_COMPUTE_CAPABILITY

        def asked(inputs: Any) -> list[str]:
            # It compares capabilities only for tensors that lie on a card.
            known = list(reasons(inputs))
            return known + ([f"capability {capability}"] if capability < low or (top and capability > top) else [])

        return asked

    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
        for kernel in (flash.FwOp, flash.BwOp, cutlass.FwOp, cutlass.BwOp):
            patch.setattr(kernel, "SUPPORTED_DEVICES", {"cuda", "cpu"})
            patch.setattr(kernel, "not_supported_reasons", admits(kernel))
        patch.setattr(dispatch, "_get_use_fa3", lambda: hopper)
        torch.use_deterministic_algorithms(deterministic)
        query = torch.randn(1, 64, 4, 64, dtype=torch.float16, requires_grad=True)
        bias = attn_bias.BlockDiagonalCausalMask.from_seqlens([40, 24]) if packed else attn_bias.LowerTriangularMask()
        inputs = Inputs(query, query, query, attn_bias=bias)
        forward = dispatch._dispatch_fw(inputs, True)
        backward = dispatch._dispatch_bw(inputs, forward.VARLEN_LSE_PACKED if packed else None)
        return f"{forward.NAME} {backward.NAME}"


@pytest.mark.skipif(importlib.util.find_spec("xformers") is None, reason="xformers is not installed")
@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("card", CARDS)
def test_what_is_chosen_has_a_backward_pass_on_every_card(
    monkeypatch: pytest.MonkeyPatch, card: str, packed: bool, deterministic: bool
) -> None:
    recipe = Recipe().with_values(train={"packing": packed, "deterministic": deterministic})
    chosen = plan_execution(recipe, UNSLOTH).attention
    if chosen == "xformers":
        assert kernels(monkeypatch, CARDS[card], packed, deterministic, hopper=False)
    else:
        assert chosen == "sdpa", "PyTorch's own has a backward pass on every card, a deterministic one too"


@pytest.mark.skipif(importlib.util.find_spec("xformers") is None, reason="xformers is not installed")
@pytest.mark.parametrize(("card", "packed"), [("RTX 30", True), ("RTX 40", True), ("RTX 50", True), ("RTX 50", False)])
def test_xformers_has_no_deterministic_backward_pass_there(
    monkeypatch: pytest.MonkeyPatch, card: str, packed: bool
) -> None:
    """Why the choice is made at all; once this fails, it may not be needed any more."""
    with pytest.raises(NotImplementedError, match="backward"):
        kernels(monkeypatch, CARDS[card], packed, deterministic=True, hopper=False)


def test_the_plain_engine_uses_pytorch_s_attention() -> None:
    assert {
        plan_execution(Recipe().with_values(train={"deterministic": d}), PLAIN).attention for d in (True, False)
    } == {"sdpa"}


@pytest.mark.parametrize(("capability", "wanted"), [((8, 6), "flash"), ((7, 5), "xformers")])
def test_flash_attn_is_used_where_it_is_installed_and_runs(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], wanted: str
) -> None:
    monkeypatch.setattr(execution, "found_by_unsloth", lambda: execution.Found(flash=True, xformers=True))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: capability)
    free = Recipe().with_values(train={"deterministic": False})
    assert plan_execution(free, UNSLOTH).attention == wanted
    assert plan_execution(Recipe(), UNSLOTH).attention == "sdpa", "flash-attn does not know of determinism"


def test_a_shipped_recipe_asks_for_no_attention_that_it_does_not_get() -> None:
    for name in ("default", "small_gpu", "fast", "tiny"):
        recipe = read_recipe(RECIPES / f"{name}.toml")
        done = plan_execution(recipe, UNSLOTH)
        assert (done.attention == "sdpa") == recipe.train.deterministic, name
        assert done.deterministic == recipe.train.deterministic
        assert done.notes == (), name


def test_without_a_compiler_the_plain_engine_trains_uncompiled_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "missing_for_triton", lambda: Missing("no compiler", "apt install one"))
    done = plan_execution(Recipe(), PLAIN)
    assert not done.compiled
    assert done.notes == ("trains without torch.compile. no compiler: apt install one",)


def test_compiling_is_told_since_it_takes_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "missing_for_triton", lambda: None)
    done = plan_execution(Recipe(), PLAIN)
    assert done.compiled and "takes minutes" in done.notes[0]


def test_a_cpu_does_what_it_can_and_says_what_it_cannot() -> None:
    cpu = Engine("transformers", "", "cpu", "float32")
    done = plan_execution(Recipe().with_values(model={"load_in_4bit": True}), cpu)
    assert (done.optim, done.compiled, done.load_in_4bit) == ("adamw_torch", False, False)
    assert done.notes == ("4-bit weights need a GPU: they are loaded in float32",)


def test_what_xformers_is_missing_for_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "xformers" else find_spec(name))
    monkeypatch.setattr(execution, "found_by_unsloth", lambda: execution.Found(flash=False, xformers=False))
    done = plan_execution(Recipe().with_values(train={"deterministic": False}), UNSLOTH)
    assert done.attention == "sdpa"
    assert done.notes == ("xformers is not installed, attention is PyTorch's own: pip install xformers",)


def test_paged_optimisers_are_told_to_be_slow_under_wsl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "is_wsl", lambda: True)
    assert any("paged" in note for note in plan_execution(Recipe(), UNSLOTH).notes)


@pytest.mark.parametrize(
    ("engine", "installed", "done"),
    [(UNSLOTH, False, "kernels"), (PLAIN, True, "kernels"), (PLAIN, False, "plain")],
)
def test_linear_attention_has_its_kernels_or_the_plan_says_what_that_costs(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, installed: bool, done: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: (installed or None) if name == "fla" else find_spec(name)
    )
    monkeypatch.setattr(execution, "missing_for_triton", lambda: None)
    planned = plan_execution(Recipe(), engine, linear_attention=True)
    assert planned.linear_attention == done
    told = any("pip install flash-linear-attention" in note for note in planned.notes)
    assert told == (done == "plain")
    assert planned.compiled == (engine is PLAIN and installed)
    assert plan_execution(Recipe(), engine).linear_attention == "none"


def test_on_a_cpu_linear_attention_is_plain_and_there_is_nothing_to_say() -> None:
    cpu = plan_execution(Recipe(), Engine("transformers", "", "cpu", "float32"), linear_attention=True)
    assert (cpu.linear_attention, cpu.notes) == ("plain", ())
