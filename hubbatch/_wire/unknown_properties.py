"""Describes requested properties that do not exist.

HubSpot does not refuse a read for them: their names are missing in each record, whereas
a property without a value is null.
"""

from collections.abc import Iterable

from hubbatch._near_names import near_name


def describe_unknown(
    object_type: str, names: Iterable[str], known: Iterable[str] | None
) -> str | None:
    """Return a message about the names that are not known; None if all are.

    Args:
        object_type: Where the properties were requested.
        names: The requested names.
        known: The names that exist; None if they cannot be read.
    """
    if known is None:
        shown = ", ".join(f'"{name}"' for name in names)
        return f"No record of {object_type} has {shown}: check the names."
    exist = frozenset(known)
    unknown = [name for name in names if name not in exist]
    if not unknown:
        return None
    shown = ", ".join(f'"{name}"{_meant(name, exist)}' for name in unknown)
    there = "is no property" if len(unknown) == 1 else "are no properties"
    return f"There {there} {shown} of {object_type} that the token can read."


def _meant(name: str, known: Iterable[str]) -> str:
    meant = near_name(name, known)
    return "" if meant is None else f' (did you mean "{meant}"?)'
