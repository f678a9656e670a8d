"""A recipe as a TOML file: found, read, changed by `section.key=value`, and written with every key's help."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomlkit

from qwenlab.errors import UserError, outside_told
from qwenlab.recipe.settings import Recipe, make_recipe

_PACKAGE = Path(__file__).parents[1]
RECIPES = next(folder for folder in (_PACKAGE / "recipes", _PACKAGE.parent / "recipes") if folder.is_dir())
"""The recipes that come along: in an installed package inside it, in a clone beside it."""

NESTED = "A recipe has tables of settings, and lists and tables as values, no deeper than that."


def load_recipe(source: Path | str | Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe from a file, by the name of one that comes along, or from nested dictionaries.

    Args:
        source: a path, a name (`tiny`, `default`, `small_gpu`, `fast`), or `{"train": {"max_steps": 24}}`.
        overrides: by `section.key`, such as `{"train.max_steps": 24, "data.source": "my.jsonl"}`.

    Returns:
        The recipe, frozen; what is left out has its default. `with_values` makes a changed copy.

    Raises:
        UserError: no such file, not TOML, or faults: all at once, each with its key and bound, an unknown key with the
            nearest known one.

    Example:
        >>> ql.load_recipe("tiny", {"train.max_steps": 24}).train.max_steps
        24
    """
    if isinstance(source, Mapping):
        values, where = {name: dict(section) for name, section in source.items()}, "recipe"
    else:
        values, where = parse_toml(*_read(Path(source))), str(source)
    for key, value in (overrides or {}).items():
        _set(values, key, str(value) if isinstance(value, Path) else value, key)
    return make_recipe(values, where)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a TOML recipe and apply `section.key=value` overrides.

    Args:
        path: a file, or the name of a recipe that comes along.

    Raises:
        UserError: no such file, not TOML, or faults; all faults are told at once, each with its path.
    """
    text, where = _read(path)
    return parse_recipe(text, overrides, where)


def find_recipe(path: Path) -> Path:
    """The file that is meant: the path itself, or where it is a bare name the recipe of `RECIPES` that has it."""
    shipped = RECIPES / f"{path}.toml"
    return shipped if len(path.parts) == 1 and not path.is_file() and shipped.is_file() else path


def shown_path(path: Path) -> Path:
    """The path as short as it can be written from the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def parse_recipe(text: str, overrides: Sequence[str] = (), where: str = "recipe") -> Recipe:
    """As `read_recipe`, from the text itself; `where` names it in messages."""
    values = parse_toml(text, where)
    for override in overrides:
        path, equals, value = override.partition("=")
        if not equals:
            raise UserError(f"--set {override}: this is not section.key=value.", "For instance: --set train.seed=1")
        _set(values, path.strip(), _value(value.strip()), f"--set {override}")
    return make_recipe(values, where)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Raises:
    UserError: it is not TOML, or nothing that a recipe could hold.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{where} is not valid TOML: {error}.", 'Texts need quotes: name = "tiny".') from None
    except RecursionError:
        raise UserError(f"{where} is nested too deeply.", NESTED) from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise UserError(
            f"{where} has a number with thousands of digits.", "Mend it: none needs more than 20."
        ) from None


def recipe_toml(recipe: Recipe) -> str:
    """The recipe as a complete TOML file: every key, its value, and its help as a comment."""
    document = tomlkit.document()
    for section, settings in recipe:
        table = tomlkit.table()
        for key, field in type(settings).model_fields.items():
            value = getattr(settings, key)
            item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
            if isinstance(value, dict):
                item = tomlkit.inline_table()
                item.update(value)
            table.add(key, item.comment(field.description or ""))
        document.add(section, table)
    return tomlkit.dumps(document)


def _read(path: Path) -> tuple[str, str]:
    """The recipe's text, and what it is called in messages."""
    try:
        with outside_told():
            return find_recipe(path).read_text(encoding="utf-8"), str(path)
    except FileNotFoundError:
        raise UserError(f"There is no recipe at {path}.", _nearby_recipes(path)) from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a recipe.", "A recipe is a TOML file; recipes/default.toml is one.") from None


def _set(values: dict[str, Any], path: str, value: Any, said: str) -> None:
    section, dot, key = path.partition(".")
    if not (dot and key):
        raise UserError(f"{said}: this is not section.key=value.", "For instance: --set train.seed=1")
    table = values.setdefault(section, {})
    if not isinstance(table, dict):
        raise UserError(f"{said}: {section} is not a table in this recipe.")
    table[key] = value


def _value(text: str) -> Any:
    """A value as TOML would read it; what TOML cannot read is a text, so that paths need no quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _nearby_recipes(path: Path) -> str:
    """Those in the same folder, or else those that come along, by their names."""
    names = sorted(str(found) for found in path.parent.glob("*.toml")) if path.parent != Path() else []
    names = names or sorted(found.stem for found in RECIPES.glob("*.toml"))
    return f"There are: {', '.join(names)}."
