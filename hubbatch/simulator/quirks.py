"""The ways in which HubSpot was seen to behave in more than one way."""

from collections.abc import Collection
from typing import Any, Final, Literal

import attrs

from attrs.validators import in_, instance_of


def _flag_or_ids(value: Any) -> Any:
    if isinstance(value, bool | str) or not isinstance(value, Collection):
        # What is neither is left for the validator to refuse by the field's name.
        return value
    return tuple(str(one) if isinstance(one, int) else one for one in value)


def _flag_or_texts(_: object, field: Any, value: Any) -> None:
    texts = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    if not texts and not isinstance(value, bool):
        told = f"{field.name!r} must be true, false or a list of ids (got {value!r})"
        raise ValueError(told)


def _verbs(value: Any) -> Any:
    listed = isinstance(value, Collection) and not isinstance(value, str | dict)
    if listed and all(isinstance(one, str) for one in value):
        return frozenset(value)
    return value


def _are_verbs(_: object, field: Any, value: Any) -> None:
    known = ("create", "update", "upsert")
    if not isinstance(value, frozenset) or not value <= set(known):
        told = f"{field.name!r} must be in {known!r}, as a list (got {value!r})"
        raise ValueError(told)


def _whole(_: object, field: Any, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{field.name!r} must be above zero (got {value!r})")


def _flag(*, default: bool = False) -> bool:
    # attrs types its fields by what they hold.
    flag: bool = attrs.field(default=default, validator=instance_of(bool))
    return flag


@attrs.frozen(kw_only=True)
class Quirks:
    """How HubSpot behaves where it was seen to behave in more than one way."""

    shuffle: bool = _flag(default=True)
    echo_trace_ids: bool = _flag(default=True)
    honour_trace_ids: frozenset[str] = attrs.field(
        default=frozenset({"create", "update", "upsert"}),
        converter=_verbs,
        validator=_are_verbs,
    )
    key_order: Literal["new", "old"] = attrs.field(
        default="new", validator=in_(("new", "old"))
    )
    whole_upsert_conflict: bool = _flag(default=True)
    update_by_email: bool = _flag()
    associations_page: int = attrs.field(default=500, validator=_whole)
    scopes_in_context: bool = _flag()
    status_flip: bool = _flag()
    missing_coordinates: bool = _flag()
    silent_noop: bool = _flag()
    silent_missing: bool = _flag()
    silent_drop: tuple[str, ...] | bool = attrs.field(
        default=False, converter=_flag_or_ids, validator=_flag_or_texts
    )


QUIRKS: Final = tuple(field.name for field in attrs.fields(Quirks))

AS_USUAL: Final = Quirks()
