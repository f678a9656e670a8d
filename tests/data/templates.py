"""Tokenizers made as Qwen's are, with few merges, under the templates that trl ships."""

from importlib.resources import files

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors, trainers
from tokenizers import Tokenizer as Backend
from transformers import PreTrainedTokenizerFast
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from qwenlab.data.chat_template import Message, Tokenizer

QWENS = (
    "qwen2_5", "qwen2_5_vl", "qwen3", "qwen3_instruct_2507", "qwen3_vl", "qwen3_5_nothink", "qwen3_5_think",
    "qwen3_6", "qwen3_8",
)  # fmt: skip
THINKING_QWENS = ("qwen3", "qwen3_5_nothink", "qwen3_5_think", "qwen3_6", "qwen3_8")
"""Those that write reasoning apart from the answer."""


def _backend() -> Backend:
    backend = Backend(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|im_fin|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["system user assistant think \n\n hello hello a a "] * 9, trainer)
    # Unlike Qwen's, so that a token too many would be seen.
    backend.post_processor = processors.TemplateProcessing(
        single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
    )
    return backend


BACKEND = _backend()


def template_text(name: str) -> str:
    """A template as trl ships it."""
    return files("trl").joinpath("chat_templates", f"{name}.jinja").read_text(encoding="utf-8")


def with_template(name: str) -> Tokenizer:
    """The tokenizer under the template of that name."""
    tokenizer: Tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=BACKEND, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=template_text(name)
    )
    return tokenizer


def system(content: str) -> Message:
    return {"role": "system", "content": content}


def user(content: str) -> Message:
    return {"role": "user", "content": content}


def assistant(content: str, reasoning: str = "", learned: bool | None = None) -> Message:
    said: Message = {"role": "assistant", "content": content}
    return said | {"reasoning_content": reasoning or None, "learned": learned}
