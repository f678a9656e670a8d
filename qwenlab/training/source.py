"""Where the base weights and their tokenizer are: the bundled model, a folder, or a folder fetched from the hub.

Both engines, and base and tuned in every comparison, load from the one folder that is resolved here. Such a folder is a
stranger's: code in it is never run nor asked about, weights are read from safetensors alone, and what is damaged in it
is a sentence.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import transformers
from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig

from qwenlab.errors import UserError, is_panic, outside
from qwenlab.hub import Wanted, fetch
from qwenlab.recipe import TINY, ModelSettings
from qwenlab.tiny import MODEL_DIR
from qwenlab.training.template_trial import check_template

INDEX = "model.safetensors.index.json"
WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
WORDS = 300
"""Characters that are shown of a library's error."""

SMALL_FILES = ("*.json", "*.txt", "*.jinja", "*.model")

SIZES = {
    "num_hidden_layers": 1_000,
    "num_attention_heads": 10_000,
    "num_key_value_heads": 10_000,
    "head_dim": 100_000,
    "hidden_size": 1_000_000,
    "intermediate_size": 10_000_000,
    "vocab_size": 10_000_000,
    "max_position_embeddings": 1_000_000_000,
}
"""The most that a configuration may say, far beyond every model: lists are made of these lengths before anything else
looks at them."""

BROKEN_MODEL = "Download the model again, or choose another."

DENSE_TEXT = "Choose a dense model of text: Qwen/Qwen3-4B-Instruct-2507, Qwen/Qwen3.5-4B or Qwen/Qwen2.5-7B-Instruct."


class ModelSource(NamedTuple):
    """The folder that holds the weights, what it is called, and the hub commit if it came from there."""

    name: str
    folder: Path
    revision: str | None

    @property
    def config(self) -> dict[str, Any]:
        """config.json of the model.

        Raises:
            UserError: it cannot be read, or says what no model has.
        """
        config = self._object("config.json")
        for part in (config, *(value for value in config.values() if isinstance(value, dict))):
            for key, most in SIZES.items():
                value = part.get(key)
                if value is not None and not (type(value) is int and 0 < value <= most):
                    raise UserError(f"{self.name}: its config.json says {key} = {value!r:.100}.", BROKEN_MODEL)
        return config

    @property
    def generation_config(self) -> dict[str, Any]:
        """generation_config.json of the model; empty where it has none.

        Raises:
            UserError: it cannot be read.
        """
        return self._object("generation_config.json") if (self.folder / "generation_config.json").exists() else {}

    @property
    def weight_files(self) -> list[str]:
        """The parts that the index of the weights names; none where they are in one file.

        Raises:
            UserError: the index cannot be read.
        """
        if not (self.folder / INDEX).exists():
            return []
        parts = self._object(INDEX).get("weight_map")
        if not isinstance(parts, dict) or not all(isinstance(part, str) for part in parts.values()):
            raise UserError(f"{self.name}: its {INDEX} has no weight_map.", BROKEN_MODEL)
        return sorted(set(parts.values()))

    def _object(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{self.name}: its {name} cannot be read ({said(error)}).", BROKEN_MODEL) from None
        if not isinstance(content, dict):
            raise UserError(f"{self.name}: its {name} is no object.", BROKEN_MODEL)
        return content

    @property
    def text_config(self) -> PreTrainedConfig:
        """What config.json says of the part of the model that reads and writes text, with the defaults of its class.

        Raises:
            UserError: the installed transformers knows no such model.
        """
        return self.whole_config.get_text_config(decoder=True)

    @property
    def whole_config(self) -> PreTrainedConfig:
        """config.json with the defaults of the model's class; of a model that also sees, the text is a part of it.

        Raises:
            UserError: as `text_config`.
        """
        own_code = "auto_map" in self.config
        try:
            return AutoConfig.from_pretrained(self.folder, trust_remote_code=False)
        except Exception as error:  # noqa: BLE001  each class checks its own settings, in whatever way
            known = f"of no model that transformers {transformers.__version__} knows"
            why = f"it brings code of its own, which is not run, and is {known}" if own_code else known
            raise UserError(f"{self.name}: its config.json is {why} ({said(error)}).", DENSE_TEXT) from None

    @contextmanager
    def reading_weights(self) -> Iterator[None]:
        """Inside the block weights that are damaged, or of another shape than the configuration says, are a sentence.

        Raises:
            UserError: they are.
        """
        try:
            with damage_told(f"the weights of {self.name}", BROKEN_MODEL):
                yield
        except RuntimeError as error:
            if "size mismatch" not in str(error) and "ignore_mismatched_sizes" not in str(error):
                raise
            raise UserError(
                f"The weights of {self.name} have other shapes than its config.json says.", BROKEN_MODEL
            ) from None

    def sha256(self) -> str:
        """Identifies the weights without reading gigabytes: the configuration, and of each weight file its name, its
        size and its first megabyte, where safetensors keeps the header with every tensor's shape."""
        digest = hashlib.sha256((self.folder / "config.json").read_bytes())
        for path in sorted(self.folder.glob("*.safetensors")):
            digest.update(f"{path.name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                digest.update(file.read(2**20))
        return digest.hexdigest()


def find_model(settings: ModelSettings, weights: bool = True) -> ModelSource:
    """The model's folder; downloads what is missing, without the weights if only the small files are needed.

    Raises:
        UserError: no such folder or hub model, gated, or the hub cannot be reached; says which, and what to set.
    """
    if settings.name == TINY:
        return ModelSource(TINY, MODEL_DIR, None)
    folder = Path(settings.name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").exists():
            raise UserError(
                f"{folder} holds no model: there is no config.json in it.", "model.name is a model's folder."
            )
        return _with_safetensors(ModelSource(settings.name, folder.resolve(), None))
    if settings.name.count("/") != 1 or settings.name.startswith((".", "/", "~")):
        raise UserError(f"There is no model folder {settings.name}.", "A hub model is named owner/name.")
    instead = 'or set model.name to a folder that has it; model.name = "tiny" needs no download.'
    wanted = Wanted(settings.name, "model", "model.name", instead)
    folder = fetch(wanted, [*SMALL_FILES, *WEIGHTS] if weights else SMALL_FILES, settings.revision)
    source = ModelSource(settings.name, folder, folder.name)
    return _with_safetensors(source) if weights else source


def _with_safetensors(source: ModelSource) -> ModelSource:
    parts = source.weight_files
    strange = next((part for part in parts if Path(part).name != part or not part.endswith(".safetensors")), None)
    if strange is not None:
        raise UserError(f"{source.name}: the index of its weights names {strange!r:.100}.", BROKEN_MODEL)
    missing = next((part for part in parts if not (source.folder / part).is_file()), None)
    if missing:
        raise UserError(f"{source.name}: {missing} is missing, a part of its weights.", BROKEN_MODEL)
    if not any(source.folder.glob("*.safetensors")):
        raise UserError(
            f"{source.name} has no weights as .safetensors; other files, which could run code, are not read.",
            "Choose a model that has them, or convert it where you trust it, with transformers' save_pretrained.",
        )
    return source


def load_tokenizer(source: ModelSource) -> Any:
    """The model's own tokenizer with its own chat template.

    Raises:
        UserError: it cannot be loaded, or brings code of its own; it has no chat template (a base model that was never
            taught to chat), or one that does not come to an end.
    """
    source.config  # noqa: B018  what is wrong there is told as such, and not as a fault of the tokenizer
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.folder, trust_remote_code=False)
        template = tokenizer.get_chat_template() if tokenizer.chat_template else None
    except BaseException as error:
        if not isinstance(error, Exception) and not is_panic(error):
            raise
        raise UserError(
            f"{source.name}: its tokenizer cannot be loaded ({said(error)}).",
            f"{BROKEN_MODEL} Code that a model brings along is not run.",
        ) from None
    if not template:
        raise UserError(
            f"{source.name} has no chat template.", "Choose an Instruct model: model.name ends in -Instruct."
        )
    check_template(source.name, template)
    return tokenizer


@contextmanager
def damage_told(what: str, hint: str) -> Iterator[None]:
    """Inside the block a weights file that is damaged is a sentence.

    Raises:
        UserError: it is.
    """
    try:
        yield
    except SafetensorError as error:
        if outside(error):
            raise  # it was written, and the disk is full
        raise UserError(f"{what[0].upper()}{what[1:]} are damaged or cut short ({said(error)}).", hint) from None


def said(error: BaseException) -> str:
    """The first line of an error, or what it is."""
    return (str(error).strip() or type(error).__name__).partition("\n")[0][:WORDS]
