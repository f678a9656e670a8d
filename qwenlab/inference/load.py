"""One base in memory with any number of adapters on it: what evaluation, comparing, serving and exporting answer with.

Always plain transformers and peft, whatever engine trained: the base and each adapter answer in one batch, row by row,
and nothing is added to a row that is the base's. Unsloth's kernels know one adapter for a whole batch.
"""

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from transformers import GenerationConfig

from qwenlab.answering.answerer import BASE
from qwenlab.data.chat_template import template_sha256
from qwenlab.errors import UserError
from qwenlab.inference.attention import enable_gqa_decode
from qwenlab.inference.routing import Router, check_plain
from qwenlab.recipe import ModelSettings
from qwenlab.runs import Run
from qwenlab.runs.record import ModelRecord
from qwenlab.training.engine import Engine, choose_engine
from qwenlab.training.load import load_base
from qwenlab.training.source import ModelSource, damage_told, find_model, load_tokenizer
from qwenlab.training.turn_ends import end_tokens


class Stamp(NamedTuple):
    """What made an answer: compare two of them to know what differed."""

    model: str
    """As the recipe names it."""
    weights: str
    """The folder that they were read from."""
    weights_sha256: str
    template_sha256: str
    adapter: str | None
    """The adapter's folder; None: off."""
    adapter_sha256: str | None
    dtype: str
    device: str


@dataclass
class Inference:
    """A loaded base with named adapters; `BASE` is the name of the base alone."""

    model: Any
    tokenizer: Any
    engine: Engine
    source: ModelSource
    adapters: dict[str, Path]
    _keys: dict[str, str | None]
    _router: Router
    end_tokens: frozenset[int]

    @property
    def names(self) -> list[str]:
        """Everything that answers here: the base, then the adapters."""
        return [BASE, *self.adapters]

    @property
    def context(self) -> int:
        """Tokens that prompt and answer may have together."""
        return int(self.model.config.get_text_config(decoder=True).max_position_embeddings)

    def answering(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """Inside, the model is called with batches whose rows are for these names; outside, it is the base.

        Raises:
            KeyError: no such name.
            RuntimeError: on entering, another batch is being answered.
        """
        return self._router.answering([self._keys[name] for name in names])

    def stamp(self, name: str) -> Stamp:
        folder = None if name == BASE else self.adapters[name]
        return Stamp(
            model=self.source.name,
            weights=str(self.source.folder),
            weights_sha256=self.source.sha256(),
            template_sha256=template_sha256(self.tokenizer),
            adapter=str(folder) if folder else None,
            adapter_sha256=adapter_sha256(folder) if folder else None,
            dtype=self.engine.dtype,
            device=self.engine.device,
        )


def load_inference(settings: ModelSettings, engine: Engine, adapters: Mapping[str, Path]) -> Inference:
    """Load the base once and put the adapters on it, switched off until a row asks for one.

    The adapters are held in the precision that the engine computes in, also those of a quantised base.

    Raises:
        UserError: the model cannot be had, or an adapter is none, or more than LoRA, or was made for another base.
    """
    source = find_model(settings)
    base = load_base(settings, engine, source)
    enable_gqa_decode(base)
    model: Any = base
    keys: dict[str, str | None] = {BASE: None}
    for number, (name, folder) in enumerate(adapters.items()):
        key = f"adapter{number}"  # a run's name may hold what peft's modules cannot be called
        model = _with_adapter(model, name, folder, key)
        keys[name] = key
    model.eval()
    tokenizer = load_tokenizer(source)
    ends = end_tokens(source, tokenizer)
    tokenizer.padding_side = "left"
    tokenizer.backend_tokenizer.no_padding()  # what a tokenizer's file may say of both is for those who train
    tokenizer.backend_tokenizer.no_truncation()
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else ends[0]
    # The model's own defaults hold temperatures and penalties; what is asked for is all that shall hold.
    base.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=pad, do_sample=False)
    router = Router(model, getattr(torch, engine.dtype))
    return Inference(model, tokenizer, engine, source, dict(adapters), keys, router, frozenset(ends))


def load_runs(runs: Mapping[str, Run], settings: ModelSettings, record: ModelRecord) -> Inference:
    """The base that the runs were trained on, with each run's adapter under its name.

    Unsloth is left out, also where it trained: it answers for one adapter a batch, and a machine that lacks it can
    answer all the same.

    Raises:
        UserError: the base's weights are not those any more; or as `load_inference`.
    """
    engine = choose_engine(settings.model_copy(update={"engine": "transformers"}))
    source = find_model(settings)
    if source.sha256() != record.sha256:
        raise UserError(
            f"{source.folder} holds other weights than those that {next(iter(runs.values())).name} was trained on.",
            "Put the old ones back, or train again.",
        )
    return load_inference(settings, engine, {name: run.adapter for name, run in runs.items()})


def adapter_sha256(folder: Path) -> str:
    """Of the adapter's weights, as `sha256sum` prints it."""
    with (folder / "adapter_model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _with_adapter(model: Any, name: str, folder: Path, key: str) -> Any:
    if not (folder / "adapter_config.json").exists():
        raise UserError(f"{name} has no adapter: {folder} is not one.", "A run delivers it when it ends, or stops.")
    check_plain(folder)
    try:
        with damage_told(f"the weights in {folder}", "Train again, or name another run."), _all_filled(folder):
            if isinstance(model, PeftModel):
                model.load_adapter(folder, adapter_name=key)
                return model
            return PeftModel.from_pretrained(model, folder, adapter_name=key)
    except RuntimeError as error:
        if "size mismatch" not in str(error):
            raise
        raise UserError(f"The adapter in {folder} was made for another base model.", "Name the base it is for.") from (
            None
        )


@contextmanager
def _all_filled(folder: Path) -> Iterator[None]:
    """Inside the block weights that an adapter's file lacks are a sentence: peft warns, and leaves them random."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Found missing adapter keys")
            yield
    except UserWarning:
        raise UserError(
            f"The adapter in {folder} lacks weights that its adapter_config.json speaks of.",
            "Train again, or name another.",
        ) from None


def on_device(loaded: Inference, inputs: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Ids and mask where the model computes."""
    return {name: inputs[name].to(loaded.model.device) for name in ("input_ids", "attention_mask")}
