"""The conditions that select the requests a fault strikes."""

from typing import Any

import attrs

from attrs.validators import in_, instance_of, optional

from hubbatch.simulator.json_text import InvalidJSON, decode
from hubbatch.simulator.routes import VERBS


_STRING = optional(instance_of(str))
_FLAG: Any = optional(instance_of(bool))


def check_whole(_: object, field: Any, value: Any) -> None:
    """Raise ValueError if the value is not an integer of at least 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{field.name!r} must be an integer from 0 on (got {value!r})")


@attrs.frozen
class Seen:
    """A request as conditions see it.

    Attributes:
        verb: The verb, as in `When(verb=...)`; None for unknown paths.
        object_type: The object type as written in the path.
        token: The bearer token.
        content: The body.
        at: The time of the simulator's clock, in seconds.
        kept: Whether the connection has carried a request before.
        record_id: The id of the record in the path, or its value of `idProperty`.
    """

    method: str
    path: str
    verb: str | None = None
    object_type: str | None = None
    token: str | None = None
    content: bytes = b""
    at: float = 0.0
    kept: bool = False
    record_id: str = ""


def _ids(content: bytes) -> set[str]:
    try:
        body = decode(content)
    except InvalidJSON:
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
    """A condition on requests; fields that are None match every request.

    Args:
        verb: The verb: "update", or with its family "associations/create"; those of
            single records are "record/update" and so on.
        object_type: The object type as written in the path.
        path: A substring of the path.
        token: The bearer token.
        id: The id of one of the inputs, or of the record in the path.
        text: A substring of the body.
        kept: Whether the connection has carried a request before.
        skip: The number of matching requests to let pass first.

    Raises:
        ValueError: If the verb is unknown or `skip` negative.
        TypeError: If another value has the wrong type.
    """

    verb: str | None = attrs.field(default=None, validator=optional(in_(VERBS)))
    object_type: str | None = attrs.field(default=None, validator=_STRING)
    path: str | None = attrs.field(default=None, validator=_STRING)
    token: str | None = attrs.field(default=None, validator=_STRING)
    id: str | None = attrs.field(default=None, validator=_STRING)
    text: str | None = attrs.field(default=None, validator=_STRING)
    kept: bool | None = attrs.field(default=None, validator=_FLAG)
    skip: int = attrs.field(default=0, validator=check_whole)

    def __call__(self, seen: Seen) -> bool:
        """Return whether a request matches, apart from `skip`."""
        return (
            self.verb in {None, seen.verb}
            and self.object_type in {None, seen.object_type}
            and self.token in {None, seen.token}
            and self.kept in {None, seen.kept}
            and (self.text is None or self.text.encode() in seen.content)
            and (self.path is None or self.path in seen.path)
            and (
                self.id is None
                or self.id == seen.record_id
                or self.id in _ids(seen.content)
            )
        )
