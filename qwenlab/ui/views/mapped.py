"""The first rows as a table, each column under its role, and one row as the model sees it."""

from collections.abc import Mapping, Sequence

from qwenlab.data.preview import Preview, PreviewRow
from qwenlab.data.sample import Column, Sample
from qwenlab.ui.components import lab, text

ROLES = {
    "user": "Question",
    "assistant": "Answer",
    "reasoning": "Reasoning",
    "system": "System",
    "messages": "Conversation",
}
"""The roles that a column can be given, in a user's words."""

NOT_USED = "Not used"
FIXED = {"history": "Earlier turns", "wanted": "Wanted or not"}
"""What is recognised beside them; it cannot be chosen."""

KINDS = {"context": "context", "learned": "learned", "cut": "cut off"}
"""The kinds of a piece of text, in a user's words."""

SHOWN_CHARACTERS = 20_000
"""Of one row: what is longer is shown in part, for the browser's sake."""


def table(sample: Sample) -> str:
    """The columns with their roles, and their first values, under the question that is still open."""
    held = roles_of(sample.mapping)
    heads = "".join(_head(column, held.get(column.name, "")) for column in sample.columns)
    lengths = [len(column.values) for column in sample.columns]
    rows = "".join(
        "<tr>" + "".join(_cell(column.values[row], held.get(column.name, "")) for column in sample.columns) + "</tr>"
        for row in range(max(lengths, default=0))
    )
    return lab(
        f'<div class="card mapped">{_heading(sample)}'
        f'<div class="wide" tabindex="0" role="region" aria-label="The first rows of {text(sample.file)}">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{_notes(sample)}</div>"
    )


def roles_of(mapping: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Column to its role."""
    return {column: role for role, columns in mapping.items() for column in columns}


def assigned(said: Mapping[str, str], mapping: Mapping[str, Sequence[str]], column: str, role: str) -> dict[str, str]:
    """What is said of the columns once this one has that role, or none.

    The column that had the role takes the other's in exchange, so that nothing goes missing that was there.

    Args:
        said: role to column as the user has said so far; empty: to none.
        mapping: role to columns as they are read now.
        column: the one that is changed.
        role: one of `ROLES`; empty: not used.
    """
    held = roles_of(mapping).get(column, "")
    if held == role:
        return dict(said)
    before = [name for name in mapping.get(role, ()) if name != column]
    if role == "messages":
        return {name: other for name, other in said.items() if name == "system" and other != column} | {role: column}
    changed = {name: other for name, other in said.items() if other != column}
    if role in ("user", "assistant"):
        changed.pop("messages", None)
    if held in ROLES:
        rest = [name for name in mapping[held] if name != column]
        exchanged = before[:1] if role and held != "messages" else []
        changed[held] = (rest or exchanged or [""])[0]
    if held == "messages" and role in ("user", "assistant"):
        changed.pop("messages", None)
    if role:
        changed[role] = column
    return changed


def mask(row: PreviewRow) -> str:
    """The row's text: context grey, learned on the accent, cut off amber."""
    left, pieces = SHOWN_CHARACTERS, []
    for piece, kind in row.pieces:
        pieces.append(f'<span class="{kind}">{text(piece[:left])}</span>')
        left -= len(piece)
        if left <= 0:
            pieces.append('<span class="quiet"> … and so on</span>')
            break
    legend = "".join(
        f'<span class="{kind}">{name}</span>'
        for kind, name in KINDS.items()
        if kind != "cut" or any(found == "cut" for _, found in row.pieces)
    )
    return lab(
        f'<p class="legend" aria-hidden="true">{legend}</p>'
        '<div class="mask" tabindex="0" role="region" aria-label="One row as the model sees it">'
        f"{''.join(pieces)}</div>"
    )


def system_origin(row: PreviewRow, preview: Preview, model: str, system_prompt: str) -> str:
    """Where the system message comes from, as a sentence; empty where there is none."""
    if row.system is None:
        if not preview.template_system:
            return ""
        return f"The row has no system message: “{preview.template_system}” is from the chat template of {model}."
    if row.system == system_prompt:
        return "The system message is the one of the rules, system_prompt."
    return "The system message is the row's own."


def row_title(row: PreviewRow, number: int, of: int, max_length: int) -> str:
    """Which row this is, and what becomes of it."""
    cut = f", cut off at {max_length:,}" if row.tokens > max_length else ""
    return f"{number} of {of}: row {row.row:,} of {row.file}; {row.tokens:,} tokens{cut}, {row.learned:,} learned"


def _heading(sample: Sample) -> str:
    if sample.missing:
        wanted = {"user": "the question", "assistant": "the answer"}
        open_roles = [wanted[role] for role in sample.missing]
        asked = f"Which column is {', and which is '.join(open_roles)}?"
        return (
            f'<p role="status"><b class="ask">{asked}</b> <span class="quiet">No column of {text(sample.file)} says so '
            "by its name. Choose it above the column.</span></p>"
        )
    return (
        f'<p><b>{text(sample.file)}</b> <span class="quiet">as it is: say above a column what it is, '
        "and see beside it what the model gets.</span></p>"
    )


def _head(column: Column, role: str) -> str:
    name = text(column.name)
    if role in FIXED:
        chosen = f'<span class="chip">{FIXED[role]}</span>'
    else:
        options = "".join(
            f'<option value="{value}"{" selected" if value == role else ""}>{shown}</option>'
            for value, shown in {**ROLES, "": NOT_USED}.items()
        )
        chosen = (
            f'<select class="role {role or "none"}" data-column="{name}" aria-label="What {name} is">{options}</select>'
        )
    return f'<th scope="col">{chosen}<span class="name">{name}</span><span class="kind">{text(column.kind)}</span></th>'


def _cell(value: str, role: str) -> str:
    return f'<td class="{"" if role else "unused"}"><div>{text(value)}</div></td>'


def _notes(sample: Sample) -> str:
    lines = "".join(f"<li>{text(note)}</li>" for note in sample.notes)
    return f'<ul class="notes amber">{lines}</ul>' if lines else ""
