"""The ways in which HubSpot was seen to behave in more than one way."""

from typing import Any, Final, Literal

import attrs

from attrs.validators import deep_iterable, in_, instance_of


def _flag_or_ids(value: Any) -> bool | tuple[str, ...]:
    return value if isinstance(value, bool) else tuple(str(one) for one in value)


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
        converter=frozenset,
        validator=deep_iterable(in_(("create", "update", "upsert"))),
    )
    key_order: Literal["new", "old"] = attrs.field(
        default="new", validator=in_(("new", "old"))
    )
    whole_upsert_conflict: bool = _flag(default=True)
    update_by_email: bool = _flag()
    scopes_in_context: bool = _flag()
    status_flip: bool = _flag()
    silent_noop: bool = _flag()
    silent_missing: bool = _flag()
    silent_drop: tuple[str, ...] | bool = attrs.field(
        default=False, converter=_flag_or_ids
    )


QUIRKS: Final = tuple(field.name for field in attrs.fields(Quirks))

AS_USUAL: Final = Quirks()
