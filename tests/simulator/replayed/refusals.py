"""How to reproduce the recorded refusals."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator import Fault
from tests.simulator.conftest import World

from .portal import before, define, linkable, present, records
from .tape import Case, Recording


_CUT: Final = "the publisher left keys out"
_ERRORS: Final = {"+ errors": "HubSpot lists the errors since 2023"}
_LOCALIZED: Final = "examples of the documentation embed two more keys than answers"
_ANY_CALL: Final = "/crm/v3/objects/contacts"


def cut(*names: str) -> dict[str, str]:
    """Expect keys that the publisher of an answer left out."""
    return {f"+ {name}": _CUT for name in names}


_ORDER: Final = {"order ": "the publisher rebuilt it from parts"}


def contact(world: World, recording: Recording) -> None:
    """Create the contacts that a create of contacts collides with."""
    sent = recording.sent
    for item in sent.get("inputs", [sent]):
        world.contact(email=item["properties"]["email"])


def require(world: World, _: Recording) -> None:
    world.sim.store.require("contacts", "firstname")


def require_if(world: World, recording: Recording) -> None:
    define(world, "contacts", {"my_property": None})
    world.sim.store.require("contacts", "my_property", when={"country": ()})
    present(world, recording)


def meetings(world: World, recording: Recording) -> None:
    define(world, "meetings", recording.sent["properties"])


def searched(world: World, _: Recording) -> None:
    """Use up the searches of a second."""
    for _n in range(5):
        world.post("/crm/v3/objects/contacts/search", {})


def used_up(world: World, _: Recording) -> None:
    """Use up the calls of the day."""
    world.get(_ANY_CALL)
    day = world.sim.account.day
    day.used = day.limit or 0


def traceless(world: World, _: Recording) -> None:
    world.sim.faults.set(echo_trace_ids=False)


def failing(world: World, recording: Recording) -> None:
    world.sim.faults.add(Fault("status", status=recording.status))


def listed(count: int, **more: Any) -> dict[str, Any]:
    """Return the body of a batch read of so many records."""
    return {"inputs": [{"id": str(n + 1)} for n in range(count)], **more}


_GRANULAR: Final = dict.fromkeys(
    (
        "- errors[].context.requiredGranularScopes[]",
        "~ errors[].context.requiredGranularScopes[]",
    ),
    "HubSpot lists scopes of other types, and of sensitive properties",
)
_SCOPES: Final = {
    **_GRANULAR,
    "- errors[].context.requiredScopes": "scopes of older apps, listed until 2024",
}
_REFUSALS: Final[Mapping[str, Case]] = {
    "400-atlas-invalid-email-batch": Case(
        sent={"inputs": [{"properties": {"email": "name@domain.<INVALID TLD>"}}]},
        differs=cut("correlationId", "errors"),
    ),
    "400-batch-create-contacts-many-invalid-properties": Case(),
    "400-batch-read-history-more-than-50-inputs": Case(
        sent=listed(51, propertiesWithHistory=["lifecyclestage"]),
    ),
    "400-batch-read-more-than-100-inputs": Case(sent=listed(107)),
    "400-batch-update-contacts-duplicate-ids": Case(present),
    "400-batch-update-contacts-duplicate-ids-2025": Case(present),
    "400-batch-update-contacts-many-invalid-properties": Case(present),
    "400-batch-update-non-unique-id-property": Case(
        differs={**cut("correlationId", "status"), **_ORDER}
    ),
    "400-create-meeting-invalid-datetime-2022": Case(meetings, differs=_ERRORS),
    "400-edit-associations-permission-2026-09": Case(
        linkable,
        options={"edits_associations": False},
        differs=cut("correlationId"),
    ),
    "400-generic-error-structure": Case(
        failing, path=_ANY_CALL, differs={"order ": "an example of the documentation"}
    ),
    "400-invalid-long-object-type-2022": Case(meetings, differs=_ERRORS),
    "400-missing-conditional-required-2026-09": Case(
        require_if,
        path="/crm/objects/2026-09/contacts/batch/update",
        differs={**cut("correlationId", "status"), **_ORDER},
    ),
    "400-missing-required-property-2026-09": Case(
        require, differs={**cut("correlationId"), **_ORDER}
    ),
    "400-no-properties-to-update": Case(),
    "400-property-doesnt-exist": Case(differs={"~ message": _LOCALIZED}),
    "400-read-only-value": Case(differs={**cut("correlationId", "message"), **_ORDER}),
    "400-search-filter-attributes-missing-2022": Case(differs=cut("correlationId")),
    "400-search-filtergroups-object-2021": Case(),
    "400-search-unknown-object-type": Case(sent={}),
    "400-unable-to-infer-object-type": Case(),
    "401-authentication-credentials-not-found": Case(token="unknown"),  # noqa: S106
    "401-header-auth-failure": Case(
        path=_ANY_CALL,
        token="unknown",  # noqa: S106
        differs={"~ ": "the body was not published"},
    ),
    "403-company-no-scope": Case(options={"scopes": ["oauth"]}, differs=_SCOPES),
    "403-missing-scopes-context-variant": Case(options={"scopes": ["oauth"]}),
    "403-missing-scopes-docs": Case(options={"scopes": ["oauth"]}, differs=_GRANULAR),
    "403-missing-scopes-objects": Case(options={"scopes": ["oauth"]}, differs=_SCOPES),
    "403-properties-no-scope": Case(options={"scopes": ["oauth"]}),
    "403-schemas-scope-2026": Case(options={"scopes": ["oauth"]}),
    "404-html-get-after-delete-2024": Case(),
    "404-html-get-contact-by-email": Case(),
    "404-html-get-object": Case(),
    "404-html-get-task-2024": Case(),
    "404-html-get-ticket-2024": Case(),
    "409-batch-create-contact-existing-id": Case(contact),
    "409-batch-create-contacts-whole-batch": Case(
        contact, differs={"~ message": "HubSpot names the id of one contact, or none"}
    ),
    "409-create-contact-existing-id": Case(contact),
    "429-daily": Case(used_up, path=_ANY_CALL),
    "429-search-secondly-category-only": Case(searched),
    "429-ten-secondly-hapikey-group": Case(
        sent={},
        options={"limit": 0},
        differs={"~ groupName": "API keys, which this group counts, ended in 2022"},
    ),
    "429-ten-secondly-rolling": Case(sent={}, options={"limit": 0}),
}
# Their messages name ids and columns of another portal or request.
_MASKED: Final = frozenset(
    {
        "400-batch-update-non-unique-id-property",
        "400-search-filter-attributes-missing-2022",
        "409-create-contact-existing-id",
        "429-daily",
        "429-ten-secondly-rolling",
    }
)
REFUSALS: Final[Mapping[str, Case]] = {
    name: attrs.evolve(case, equal=name not in _MASKED)
    for name, case in _REFUSALS.items()
}
MULTI_STATUS: Final[Mapping[str, Case]] = {
    "207-batch-create-tickets-multi-status": Case(
        traceless,
        differs={
            "+ *.hs_object_source_id": "the example was written by HubSpot itself",
            "~ *.hs_object_source": "the example was written by HubSpot itself",
            "~ *.hs_object_source_label": "the example was written by HubSpot itself",
            "~ errors[].message": _LOCALIZED,
        },
    ),
    "207-batch-read-archived-companies": Case(
        differs=cut("completedAt", "numErrors", "startedAt", "status")
    ),
    "207-batch-read-none-found": Case(equal=True),
    "207-batch-read-not-found-by-email": Case(records),
    "207-batch-update-contacts-not-found": Case(
        before,
        differs={
            "+ *.email": "the request is not the one that was answered",
            "+ *.hs_email_domain": "the request is not the one that was answered",
        },
    ),
}
