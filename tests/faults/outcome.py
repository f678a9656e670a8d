"""What a job leaves, held against what it leaves when it is left alone."""

from typing import Any, NamedTuple

from tests.faults.group import LostError


def lost_where_different(found: NamedTuple, wanted: NamedTuple) -> None:
    """Raises:
    LostError: a field is another; of lists and dicts, it says what is in one alone.
    """
    pairs = zip(wanted._fields, found, wanted, strict=True)
    differences = [f"{name}: {_difference(one, other)}" for name, one, other in pairs if one != other]
    if differences:
        raise LostError("; ".join(differences))


def _difference(found: Any, wanted: Any) -> str:
    if isinstance(found, dict) and isinstance(wanted, dict):
        found, wanted = sorted(map(str, found.items())), sorted(map(str, wanted.items()))
    if isinstance(found, list) and isinstance(wanted, list):
        more, missing = ([str(one) for one in a if one not in b] for a, b in ((found, wanted), (wanted, found)))
        return f"besides {more}, without {missing}"
    return f"{found}, not {wanted}"
