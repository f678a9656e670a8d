"""Model folders of strangers: code, pickles, templates that loop or explode, files that are damaged or lie."""

import json
import os
import pickle
import random
import shutil
import struct
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from qwenlab.tiny import MODEL_DIR
from tests.faults.asked import Asked
from tests.faults.damaged_bytes import damaged
from tests.faults.group import Attempt, LostError

TITLE = "models of strangers"
PROMISE = "no code of theirs runs and nobody is asked whether it may; a model or a sentence, in bounded time and memory"
ALL = 200
FIRST = 14

SEED = 18
SECONDS = 90.0
"""A trial of a template takes 5 s of a core, and the start of a process."""


def attempts(count: int, folder: Path) -> Iterator[Attempt]:
    """Code and pickles first, then templates, then lies, then files with drawn faults."""
    with Asked() as asked:
        yield from islice(chain(_named(asked, folder), _drawn(asked, folder)), count)


class Folder(NamedTuple):
    """A copy of the bundled model, to be spoilt; whatever runs leaves `ran`."""

    path: Path

    @property
    def ran(self) -> Path:
        return self.path.parent / "ran"

    @property
    def code(self) -> str:
        """Python that tells that it ran."""
        return f"open({str(self.ran)!r}, 'w').close()\n"

    def change(self, name: str, **values: Any) -> None:
        """Change keys of a JSON file; None takes one out."""
        file = self.path / name
        content = (json.loads(file.read_text()) if file.exists() else {}) | values
        file.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    def write(self, name: str, content: str | bytes) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def pickle(self, name: str) -> None:
        """A file that runs code where it is unpickled."""
        self.write(name, pickle.dumps(_Touch(str(self.ran))))


class _Touch:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.path,)


def _fresh(folder: Path) -> Folder:
    made = Folder(folder / "model")
    shutil.rmtree(made.path, ignore_errors=True)
    shutil.copytree(MODEL_DIR, made.path)
    return made


def _named(asked: Asked, folder: Path) -> Iterator[Attempt]:
    for name, spoil in CODE.items():
        yield Attempt(name, partial(_must_not_run, asked, folder, spoil))
    for name, template in TEMPLATES.items():
        yield Attempt(f"a template: {name}", partial(_try_template, asked, folder, template))
    for name, template in LATE.items():
        yield Attempt(f"a template, for one conversation alone: {name}", partial(_try_late, asked, template))
    for name, (file, content) in LIES.items():
        yield Attempt(name, partial(_must_be_told, asked, folder, file, content))
    for key, value in SETTINGS:
        yield Attempt(f"{key} = {str(value)[:20]}", partial(_try_setting, asked, folder, key, value))


def _drawn(asked: Asked, folder: Path) -> Iterator[Attempt]:
    files = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "chat_template.jinja")
    for number in range(ALL):
        draw = random.Random(f"{SEED} {number}")
        file = files[number % len(files)]
        yield Attempt(f"{file} damaged {number}", partial(_try_damaged, asked, folder, file, draw))


def _must_not_run(asked: Asked, folder: Path, spoil: Callable[[Folder], None]) -> None:
    made = _fresh(folder)
    spoil(made)
    asked.ask("model", str(made.path), SECONDS)
    asked.ask("weights", str(made.path), SECONDS)
    if made.ran.exists():
        raise LostError("its code ran")


def _try_template(asked: Asked, folder: Path, template: str) -> None:
    made = _fresh(folder)
    made.write("chat_template.jinja", template)
    heard = asked.ask("model", str(made.path), SECONDS)
    if not heard.refused or "template" not in heard.said:
        raise LostError(f"it is not refused for its template: {heard.said[:200]}")


def _try_late(asked: Asked, template: str) -> None:
    late = f"{{% if 'zebra' in messages[0].content %}}{template}{{% endif %}}"
    heard = asked.ask("render", json.dumps([late, "zebra"]), SECONDS)
    if not heard.refused or "template" not in heard.said:
        raise LostError(f"it is not refused: {heard.said[:200]}")


def _must_be_told(asked: Asked, folder: Path, file: str, content: bytes) -> None:
    made = _fresh(folder)
    made.write(file, content)
    heard = asked.ask("model", str(made.path), SECONDS)
    heard = heard if heard.refused else asked.ask("weights", str(made.path), SECONDS)
    if not heard.refused:
        raise LostError(f"it is taken for {heard.said}")


def _try_setting(asked: Asked, folder: Path, key: str, value: Any) -> None:
    made = _fresh(folder)
    made.change("config.json", **{key: value})
    asked.ask("model", str(made.path), SECONDS)


def _try_damaged(asked: Asked, folder: Path, file: str, draw: random.Random) -> None:
    made = _fresh(folder)
    made.write(file, damaged((MODEL_DIR / file).read_bytes(), draw))
    asked.ask("model", str(made.path), SECONDS)


def _own_architecture(made: Folder) -> None:
    made.write("mine.py", made.code + "class Config: pass\nclass Model: pass\n")
    made.change(
        "config.json", model_type="mine", auto_map={"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"}
    )


def _own_model_for_a_known_type(made: Folder) -> None:
    made.write("mine.py", made.code + "from transformers import Qwen2ForCausalLM as Model\n")
    made.change("config.json", auto_map={"AutoModelForCausalLM": "mine.Model", "AutoConfig": "mine.Config"})


def _own_tokenizer(made: Folder) -> None:
    made.write("mine.py", made.code + "from transformers import PreTrainedTokenizerFast as Tokenizer\n")
    auto_map = {"AutoTokenizer": ["mine.Tokenizer", "mine.Tokenizer"]}
    made.change("tokenizer_config.json", tokenizer_class="Tokenizer", auto_map=auto_map)


def _code_elsewhere(made: Folder) -> None:
    made.change("config.json", model_type="mine", auto_map={"AutoConfig": "somebody/else--mine.Config"})


def _own_generation(made: Folder) -> None:
    made.write("custom_generate/generate.py", made.code + "def generate(model, **inputs): pass\n")
    made.write("custom_generate/requirements.txt", "")


def _pickled_weights(made: Folder) -> None:
    (made.path / "model.safetensors").unlink()
    made.pickle("pytorch_model.bin")


def _pickled_beside(made: Folder) -> None:
    made.pickle("pytorch_model.bin")
    made.pickle("training_args.bin")
    made.pickle("optimizer.pt")


def _pickled_index(made: Folder) -> None:
    (made.path / "model.safetensors").unlink()
    made.write("pytorch_model.bin.index.json", json.dumps({"metadata": {}, "weight_map": {"lm_head.weight": "a.bin"}}))
    made.pickle("a.bin")


def _index_to_elsewhere(made: Folder) -> None:
    (made.path / "model.safetensors").rename(made.path / "other.safetensors")
    made.pickle("a.bin")
    index = {"metadata": {}, "weight_map": {"model.norm.weight": "a.bin", "lm_head.weight": "../../../etc/passwd"}}
    made.write("model.safetensors.index.json", json.dumps(index))


def _pickled_adapter(made: Folder) -> None:
    made.write("adapter/adapter_config.json", json.dumps(ADAPTER))
    made.pickle("adapter/adapter_model.bin")


def _adapter_with_a_parent(made: Folder) -> None:
    """peft imports the library that an adapter names, where it is asked for a model of whatever kind."""
    made.write("mine.py", made.code)
    made.write(
        "adapter/adapter_config.json",
        json.dumps(ADAPTER | {"auto_mapping": {"base_model_class": "Model", "parent_library": "mine"}}),
    )
    made.write("adapter/adapter_model.safetensors", b"")


ADAPTER = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 8, "target_modules": ["q_proj"]}

CODE: dict[str, Callable[[Folder], None]] = {
    "an architecture of its own": _own_architecture,
    "code of its own for a known architecture": _own_model_for_a_known_type,
    "a tokenizer of its own": _own_tokenizer,
    "code in another repository": _code_elsewhere,
    "a way to generate of its own": _own_generation,
    "pickled weights": _pickled_weights,
    "pickled weights beside others": _pickled_beside,
    "pickled weights in parts": _pickled_index,
    "an index that names a pickle, and a file outside": _index_to_elsewhere,
    "a pickled adapter": _pickled_adapter,
    "an adapter that names a library": _adapter_with_a_parent,
}

LOOP = "{% for a in range(99999) %}" * 3 + "{% endfor %}" * 3
DOUBLE = "{% for a in range(60) %}{% set n.t = n.t + n.t %}{% endfor %}"

TEMPLATES = {
    "it loops": LOOP,
    "it loops in a macro": "{% macro a() %}" + LOOP + "{% endmacro %}{{ a() }}",
    "ten billion letters": "{{ 'x' * 10**10 }}",
    "a hundred million letters": "{{ 'x' * 10**8 }}",
    "a padded number": "{{ '%10000000000d' % 1 }}",
    "a format": "{{ '{:>10000000000}'.format(1) }}",
    "a filter": "{{ 'x'|center(10**10) }}",
    "text that doubles": "{% set n = namespace(t='xx') %}" + DOUBLE + "{{ n.t }}",
    "a list that doubles": "{% set n = namespace(t=[1]) %}" + DOUBLE,
    "a number of ten billion digits": "{{ 10**(10**10) }}",
    "a million paragraphs": "{{ lipsum(n=10**6) }}",
    "a macro that calls itself": "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a hundred thousand brackets": "{{ " + "(" * 100_000 + "1" + ")" * 100_000 + " }}",
    "a hundred thousand conditions": "{% if a %}" * 100_000,
    "an attribute of Python's": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "the same in a filter": "{{ ''|attr('__class__')|attr('__mro__') }}",
    "a file": "{% include '/etc/passwd' %}",
    "an import": "{% import 'os' as os %}{{ os.system('id') }}",
    "its own error": "{{ raise_exception('no' * 10000) }}",
    "a division by zero": "{{ 1 / 0 }}",
    "a sum of a text and a number": "{{ 'a' + 1 }}",
    "no syntax": "{% if",
    "nothing": " ",
}

LATE = {"it loops": LOOP, "a macro that calls itself": TEMPLATES["a macro that calls itself"], "a sum": "{{ 'a' + 1 }}"}

LIES: dict[str, tuple[str, bytes]] = {
    "a configuration that is cut": ("config.json", (MODEL_DIR / "config.json").read_bytes()[:200]),
    "a configuration that is a list": ("config.json", b"[]"),
    "a configuration that is empty": ("config.json", b""),
    "a configuration in lists in lists": ("config.json", b"[" * 100_000),
    "a configuration in objects in objects": ("config.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a tokenizer that is cut": ("tokenizer.json", (MODEL_DIR / "tokenizer.json").read_bytes()[:5000]),
    "a tokenizer in lists in lists": ("tokenizer.json", b"[" * 100_000),
    "a tokenizer that is an empty object": ("tokenizer.json", b"{}"),
    "settings of a tokenizer that are a list": ("tokenizer_config.json", b"[]"),
    "settings of generation that are cut": ("generation_config.json", b'{"eos_token_id": '),
    "settings of generation in lists in lists": ("generation_config.json", b"[" * 100_000),
    "an end of turn that is a text": ("generation_config.json", b'{"eos_token_id": "<|im_end|>"}'),
    "weights that are empty": ("model.safetensors", b""),
    "weights that are cut": ("model.safetensors", (MODEL_DIR / "model.safetensors").read_bytes()[:-1000]),
    "weights whose header is larger than the file": ("model.safetensors", struct.pack("<Q", 2**60) + b"{}"),
    "weights whose header is no JSON": ("model.safetensors", struct.pack("<Q", 4) + b"abcd"),
    "weights that are a page": ("model.safetensors", b"<!DOCTYPE html><html>401</html>"),
}

SIZES: tuple[Any, ...] = (0, -1, 10**9, 10**400, 1.5, "12", None, [], True)

SIZED = ("num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "vocab_size")

SETTINGS: list[tuple[str, Any]] = [
    *((key, value) for key in SIZED for value in SIZES),
    ("model_type", None), ("model_type", 7), ("model_type", "../../etc"), ("model_type", "n" * 5000),
    ("layer_types", []), ("layer_types", ["a"] * 4), ("layer_types", 3), ("rope_parameters", 3),
    ("rope_parameters", {"rope_type": "none"}),
    ("head_dim", 0), ("max_position_embeddings", -5), ("text_config", {"num_hidden_layers": 10**9}),
    ("quantization_config", {"quant_method": "none"}), ("eos_token_id", "a"), ("architectures", 3), ("dtype", "float7"),
    ("attn_implementation", "somebody/kernel"), ("_attn_implementation", "somebody/kernel"), ("auto_map", 3),
    ("transformers_version", "99.0"), ("use_cache", "yes"), ("hidden_act", "none"), ("tie_word_embeddings", 3),
]  # fmt: skip
