"""Which requests a fault is for."""

from typing import Any

import attrs
import orjson

from attrs.validators import in_, instance_of, optional

from hubbatch.simulator.routes import VERBS


_TEXT = optional(instance_of(str))
_FLAG: Any = optional(instance_of(bool))


def whole(_: object, field: Any, value: Any) -> None:
    """Refuse what is not a whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{field.name!r} must be a whole number (got {value!r})")


@attrs.frozen
class Seen:
    """What a fault may ask about a request before it strikes."""

    method: str
    path: str
    verb: str | None = None
    object_type: str | None = None
    token: str | None = None
    content: bytes = b""
    at: float = 0.0
    kept: bool = False  # not the first request on its connection


def _ids(content: bytes) -> set[str]:
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        return set()
    inputs = body.get("inputs") if isinstance(body, dict) else body
    if not isinstance(inputs, list):
        return set()
    return {
        str(item.get("id", item.get("objectId")))
        for item in inputs
        if isinstance(item, dict)
    }


@attrs.frozen(kw_only=True)
class When:
    """Which requests a fault is for; what is not named does not matter."""

    verb: str | None = attrs.field(default=None, validator=optional(in_(VERBS)))
    object_type: str | None = attrs.field(default=None, validator=_TEXT)
    path: str | None = attrs.field(default=None, validator=_TEXT)
    token: str | None = attrs.field(default=None, validator=_TEXT)
    id: str | None = attrs.field(default=None, validator=_TEXT)
    text: str | None = attrs.field(default=None, validator=_TEXT)
    kept: bool | None = attrs.field(default=None, validator=_FLAG)
    skip: int = attrs.field(default=0, validator=whole)

    def __call__(self, seen: Seen) -> bool:
        """Tell whether a request is meant."""
        return (
            self.verb in {None, seen.verb}
            and self.object_type in {None, seen.object_type}
            and self.token in {None, seen.token}
            and self.kept in {None, seen.kept}
            and (self.text is None or self.text.encode() in seen.content)
            and (self.path is None or self.path in seen.path)
            and (self.id is None or self.id in _ids(seen.content))
        )
