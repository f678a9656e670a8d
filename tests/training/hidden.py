"""Packages that are installed, and are not found."""

import importlib.metadata
from importlib.machinery import PathFinder
from typing import Any


def hide(*packages: str) -> None:
    """From now on this process neither imports nor finds them, as on a machine that lacks them."""
    find_spec, version = PathFinder.find_spec, importlib.metadata.version

    def find(name: str, *where: Any) -> Any:
        return None if name.partition(".")[0] in packages else find_spec(name, *where)

    def asked(distribution_name: str) -> str:
        if distribution_name in packages:
            raise importlib.metadata.PackageNotFoundError(distribution_name)
        return version(distribution_name)

    PathFinder.find_spec = find  # type: ignore[method-assign, assignment]
    importlib.metadata.version = asked
