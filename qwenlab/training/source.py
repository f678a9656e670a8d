"""Where the base weights and their tokenizer are: the bundled model, a folder, or a folder fetched from the hub.

Both engines, and base and tuned in every comparison, load from the one folder that is resolved here.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig

from qwenlab.errors import UserError
from qwenlab.hub import Wanted, fetch
from qwenlab.recipe import TINY, ModelSettings
from qwenlab.tiny import MODEL_DIR

WEIGHTS = ("*.safetensors", "*.safetensors.index.json")
SMALL_FILES = ("*.json", "*.txt", "*.jinja", "*.model")

DENSE_TEXT = "Choose a dense model of text: Qwen/Qwen3-4B-Instruct-2507, Qwen/Qwen3.5-4B or Qwen/Qwen2.5-7B-Instruct."


class ModelSource(NamedTuple):
    """The folder that holds the weights, what it is called, and the hub commit if it came from there."""

    name: str
    folder: Path
    revision: str | None

    @property
    def config(self) -> dict[str, Any]:
        """config.json of the model."""
        config: dict[str, Any] = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        return config

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
        try:
            return AutoConfig.from_pretrained(self.folder)
        except (ValueError, KeyError, StrictDataclassError) as error:
            raise UserError(
                f"{self.name}: its config.json is of no model that transformers {transformers.__version__} knows "
                f"({str(error).strip().splitlines()[0]}).",
                DENSE_TEXT,
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
        return ModelSource(settings.name, folder.resolve(), None)
    if settings.name.count("/") != 1 or settings.name.startswith((".", "/", "~")):
        raise UserError(f"There is no model folder {settings.name}.", "A hub model is named owner/name.")
    instead = 'or set model.name to a folder that has it; model.name = "tiny" needs no download.'
    wanted = Wanted(settings.name, "model", "model.name", instead)
    folder = fetch(wanted, [*SMALL_FILES, *WEIGHTS] if weights else SMALL_FILES, settings.revision)
    return ModelSource(settings.name, folder, folder.name)


def load_tokenizer(source: ModelSource) -> Any:
    """The model's own tokenizer with its own chat template.

    Raises:
        UserError: it has no chat template (a base model that was never taught to chat).
    """
    tokenizer = AutoTokenizer.from_pretrained(source.folder)
    if not tokenizer.chat_template:
        raise UserError(
            f"{source.name} has no chat template.", "Choose an Instruct model: model.name ends in -Instruct."
        )
    return tokenizer
