"""Custom events, which are received and not evaluated."""

import re

from collections.abc import Mapping
from typing import Any, Final

from hubbatch.simulator.api.bodies import parse_inputs, parse_json
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.property_types import parse_instant
from hubbatch.simulator.crm.records import as_string
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal


# Events guide: inputs of a batch. Changelog of 2021: properties of an event, and the
# characters of their values, more of them for a URL and a referrer.
_EVENTS: Final = 500
_PROPERTIES: Final = 50
_CHARACTERS: Final = 50
_LONG_CHARACTERS: Final = 200
_LONG: Final = frozenset({"hs_url", "hs_referrer", "hs_page_url"})
_IDENTITIES: Final = ("email", "utk", "objectId")


def answer(call: Call) -> Result:
    """Receive one event; the answer is empty."""
    return _received(call, [parse_json(call.request.content)])


def answer_batch(call: Call) -> Result:
    """Receive a batch of events; an invalid one refuses all of them."""
    return _received(call, parse_inputs(call.request.content, _EVENTS))


def _received(call: Call, events: list[Any]) -> Result:
    for event in events:
        _check(event, call.token.account.portal_id)
    call.store.events.extend(events)
    return Answer(204), len(events)


def _check(event: object, portal_id: int) -> None:
    if not isinstance(event, dict):
        raise missing_fields(["eventName", "properties"])
    missing = [name for name in ("eventName", "properties") if event.get(name) is None]
    if missing:
        raise missing_fields(missing)
    if not any(event.get(name) for name in _IDENTITIES):
        # Reported by an integration; the category is assumed.
        raise _invalid("email, utk, or objectId is required")
    name = as_string(event["eventName"])
    if not re.fullmatch(rf"pe{portal_id}_\w+", name):
        # Documented: the full name. The simulator knows no definitions.
        raise _invalid(f"{name} is not the full name of an event of this account")
    occurred = event.get("occurredAt")
    if occurred is not None and parse_instant(as_string(occurred)) is None:
        raise _invalid(f"occurredAt was {occurred}")
    _check_properties(event["properties"])


def _check_properties(properties: object) -> None:
    if not isinstance(properties, dict):
        raise missing_fields(["properties"])
    if len(properties) > _PROPERTIES:
        raise _invalid(f"An event must not have more than {_PROPERTIES} properties")
    for name, value in _strings(properties).items():
        if len(value) > (_LONG_CHARACTERS if name in _LONG else _CHARACTERS):
            raise _invalid(f"The value of {name} is too long")


def _strings(properties: Mapping[str, Any]) -> dict[str, str]:
    return {name: as_string(value) for name, value in properties.items()}


def _invalid(message: str) -> Refusal:
    return Refusal(400, message, VALIDATION_ERROR)
