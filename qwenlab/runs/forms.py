"""Whether files of weights are whole, by their forms alone: nothing in them is loaded or run."""

import json
import zipfile
from pathlib import Path

from qwenlab.errors import UserError
from qwenlab.files import reason

ADAPTER = ("adapter_config.json", "adapter_model.safetensors")


def check_adapter(folder: Path) -> None:
    """Raises:
    UserError: a file of the adapter is missing, or cut or overwritten.
    """
    config, weights = (folder / name for name in ADAPTER)
    again = "Copy the folder again, or deliver it again by a training."
    try:
        for path in (config, weights):
            if not path.is_file():
                raise UserError(f"{path} is missing: {folder} is no adapter.", again)
        if not is_json(config) or not isinstance(json.loads(config.read_text(encoding="utf-8")), dict):
            raise UserError(f"{config} is no adapter's configuration.", again)
        if not is_safetensors(weights):
            raise UserError(f"{weights} is cut or overwritten.", again)
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {reason(error)}.", again) from None


def is_safetensors(path: Path) -> bool:
    """Whether it is as long as its header says: 8 bytes with the header's length, the header as JSON, the tensors."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            return False
        try:
            header = json.loads(file.read(length))
            ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, AttributeError, KeyError, IndexError, TypeError):
            return False
    return bool(path.stat().st_size == 8 + length + max(ends, default=0))


def is_whole_archive(path: Path) -> bool:
    """Whether it is a ZIP archive, as `torch.save` writes them, whose checksums are right."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError):
        return False


def is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return True
