"""Tokens, keys and passwords: which process has which, and an address without the ones in it."""

import os
import re

HUB_TOKEN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Where the hub's library looks for its token."""

OF_VERBS = {
    "train": HUB_TOKEN,
    "prepare": HUB_TOKEN,
    "evaluate": (*HUB_TOKEN, "OPENAI_API_KEY"),
    "serve": (*HUB_TOKEN, "QWENLAB_API_KEY"),
    "export": HUB_TOKEN,
}
"""The variables that the process of a verb needs: of the hub where it downloads or uploads."""

_ALL = {*HUB_TOKEN, "OPENAI_API_KEY", "QWENLAB_API_KEY", "QWENLAB_AUTH"}

_held: dict[str, str] = {}


def hold_hub_token() -> None:
    """Take the hub's token out of this process's environment; a verb that needs it still gets it."""
    _held.update({name: os.environ.pop(name) for name in HUB_TOKEN if name in os.environ})


def environment(verb: str | None = None) -> dict[str, str]:
    """For a process that is started: this one's environment, of the credentials only those that the verb needs.

    Without a verb it is a program of others, such as llama.cpp's, and gets none.
    """
    given = {name: value for name, value in os.environ.items() if name not in _ALL}
    known = {**_held, **os.environ}
    return given | {name: known[name] for name in OF_VERBS.get(verb or "", ()) if name in known}


def shown(address: str) -> str:
    """An address as it may be told, without the user name and the password that can stand before its `@`."""
    return re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://)?[^/?#]*@", r"\1", address)
