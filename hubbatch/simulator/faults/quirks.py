"""Quirks: switches for behavior that is known to vary in HubSpot's answers."""

from collections.abc import Collection
from typing import Any, Final, Literal

import attrs

from attrs.validators import in_, instance_of


def _flag_or_ids(value: Any) -> Any:
    if isinstance(value, bool | str) or not isinstance(value, Collection):
        # Unchanged: the validator refuses invalid values, naming the field.
        return value
    return tuple(str(item) if isinstance(item, int) else item for item in value)


def _check_flag_or_ids(_: object, field: Any, value: Any) -> None:
    ids = isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    if not ids and not isinstance(value, bool):
        message = f"{field.name!r} must be true, false or a list of ids (got {value!r})"
        raise ValueError(message)


def _verbs(value: Any) -> Any:
    is_list = isinstance(value, Collection) and not isinstance(value, str | dict)
    if is_list and all(isinstance(item, str) for item in value):
        return frozenset(value)
    return value


def _check_verbs(_: object, field: Any, value: Any) -> None:
    known = ("create", "update", "upsert")
    if not isinstance(value, frozenset) or not value <= set(known):
        raise ValueError(
            f"{field.name!r} must be a list of verbs out of {known!r} (got {value!r})"
        )


def _check_positive(_: object, field: Any, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{field.name!r} must be a positive integer (got {value!r})")


def _check_seconds(_: object, field: Any, value: Any) -> None:
    if type(value) not in (int, float) or not 0 <= value < float("inf"):
        message = f"{field.name!r} must be a number of seconds (got {value!r})"
        raise ValueError(message)


def _flag(*, default: bool = False) -> bool:
    # The annotation gives the field its type in the class below.
    flag: bool = attrs.field(default=default, validator=instance_of(bool))
    return flag


@attrs.frozen(kw_only=True)
class Quirks:
    """How the simulated HubSpot behaves where the real one varies.

    `docs/simulator.md` lists each field's default and its alternatives.
    """

    shuffle: bool = _flag(default=True)
    echo_trace_ids: bool = _flag(default=True)
    honour_trace_ids: frozenset[str] = attrs.field(
        default=frozenset({"create", "update", "upsert"}),
        converter=_verbs,
        validator=_check_verbs,
    )
    key_order: Literal["new", "old"] = attrs.field(
        default="new", validator=in_(("new", "old"))
    )
    whole_upsert_conflict: bool = _flag(default=True)
    update_by_email: bool = _flag()
    associations_page: int = attrs.field(default=500, validator=_check_positive)
    primary_id_preservation: bool = _flag()
    answer_merged: bool = _flag()
    write_validation: Literal["2026-09", "always", "never"] = attrs.field(
        default="2026-09", validator=in_(("2026-09", "always", "never"))
    )
    search_lag: float = attrs.field(default=0.0, validator=_check_seconds)
    scopes_in_context: bool = _flag()
    status_flip: bool = _flag()
    missing_coordinates: bool = _flag()
    silent_noop: bool = _flag()
    silent_missing: bool = _flag()
    silent_drop: tuple[str, ...] | bool = attrs.field(
        default=False, converter=_flag_or_ids, validator=_check_flag_or_ids
    )


QUIRKS: Final = tuple(field.name for field in attrs.fields(Quirks))

DEFAULTS: Final = Quirks()
