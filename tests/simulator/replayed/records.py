"""How to reproduce the recorded answers about records."""

from collections.abc import Mapping
from typing import Any, Final

from tests.simulator.conftest import World

from .portal import before, define, present, put, records, searchable, writable
from .tape import Case, Recording


# One recorder stored 200 for all its creates.
CREATED: Final = 201
# Reasons why the simulator differs.
_CUT: Final = "the publisher shortened it"
_USERS: Final = "the simulator does not know which users own and change records"
_OF_2024: Final = "HubSpot changed the white space between 2024 and 2026"
_LEAD: Final = {
    "~ *.hs_lifecyclestage_lead_date": "HubSpot shows milliseconds since 2025"
}
_DOMAINS: Final = {
    "~ *.hs_email_domain": "the publisher replaced the domains of addresses only"
}
_OWNER: Final = {"- properties.hs_user_ids_of_all_owners": _USERS}
_TASK: Final = dict.fromkeys(
    ("- properties.hs_pipeline", "- properties.hs_pipeline_stage"),
    "two recordings disagree about the stage of a completed task",
)
_PREVIEW: Final = {"~ properties.hs_body_preview_html": _OF_2024}
_DEAL: Final = dict.fromkeys(
    (
        "- properties.days_to_close",
        "- properties.hs_actual_duration",
        "- properties.hs_closed_*",
        "- properties.hs_days_to_close_raw",
        "- properties.hs_deal_stage_probability*",
        "- properties.hs_is_*",
        "- properties.hs_open_*",
        "- properties.hs_projected_amount*",
        "- properties.hs_v2_*",
        "- properties.hs_weighted_pipeline_in_company_currency",
    ),
    "the simulator computes no forecast from the stage and the date of a deal",
)


def created(
    properties: Mapping[str, Any] | None = None, differs: Mapping[str, str] = {}
) -> Case:
    """Reproduce a create; with the properties of one whose request was reworded."""
    sent = None if properties is None else {"properties": properties}
    return Case(writable, sent=sent, status=CREATED, differs=differs)


def updated(
    properties: Mapping[str, Any] | None = None, differs: Mapping[str, str] = {}
) -> Case:
    """Reproduce an update; with the properties of one whose request was reworded."""
    sent = None if properties is None else {"properties": properties}
    return Case(before, sent=sent, differs=differs)


READS: Final[Mapping[str, Case]] = {
    **{
        name: Case(records, equal=True)
        for name in (
            "200-contacts-list-page-2024",
            "200-get-contact-2026",
            "200-get-contact-by-email-2024",
            "200-list-contacts-page-2024",
            "200-list-users-last-page-2024",
            "200-read-contact-single-2024",
            "200-read-ticket-single-null-properties",
            "200-users-list-2024",
        )
    },
    "200-batch-read-contacts-2026": Case(records),
    "200-list-contacts-2026": Case(
        records, query={"properties": "email,firstname,lastname,phone"}, equal=True
    ),
    "200-list-contacts-history-2022": Case(
        records,
        equal=True,
        differs={
            "- *.sourceId": "values of the simulator come from an app, not a user",
            "- *.updatedByUserId": "values of the simulator come from an app",
            "~ *.sourceType": "values of the simulator come from an app",
        },
    ),
    "200-list-meetings-page-2022": Case(
        records,
        equal=True,
        differs={"~ *.hubspot_owner_id": "the simulator shows cleared values as null"},
    ),
    "200-list-tasks-associations-2026": Case(
        records,
        query={
            "limit": "100",
            "associations": "contacts,companies,deals",
            "properties": "hs_task_priority,hs_task_subject,hs_task_type",
        },
        equal=True,
    ),
}
SEARCHES: Final[Mapping[str, Case]] = {
    **{
        name: Case(searchable, equal=True)
        for name in (
            "200-search-companies-two-groups-or-2022",
            "200-search-contacts-by-email-2024",
            "200-search-contacts-contains-token-2024",
            "200-search-contacts-query-2024",
            "200-search-deals-2026",
            "200-search-empty-2022",
            "200-search-meetings-top-level-filters-2022",
            "200-search-tasks-associations-ticket-2024",
            "200-search-tasks-by-association-2024",
        )
    },
    "200-search-contacts-url-2026": Case(
        searchable,
        sent={
            "limit": 54,
            "properties": [
                *("company", "email", "firstname", "lastname", "phone", "website")
            ],
        },
        equal=True,
        differs={"+ results[]": _CUT},
    ),
    "200-search-tickets-2026": Case(
        searchable, equal=True, differs={"+ results[]": _CUT}
    ),
}
_COMPANY: Final = {"name": "Test Company Inc", "domain": "testcompany.com"}
CREATES: Final[Mapping[str, Case]] = {
    **{
        name: created()
        for name in (
            "200-batch-create-companies-2026",
            "200-create-contact-2026",
            "200-create-deal-2026",
            "201-batch-create-companies-results-reversed",
            "201-batch-create-contacts-2022",
            "201-batch-create-contacts-2025",
            "201-batch-create-custom-object",
            "201-create-company-2024",
            "201-create-ticket-single",
        )
    },
    "201-batch-create-contacts-10-2022": created(differs=_DOMAINS),
    "201-batch-create-contacts-10-shuffled-2024": created(differs=_LEAD),
    "201-create-meeting-2022": created(differs=_OWNER | _PREVIEW),
    "201-create-task-with-associations-2024": created(differs=_PREVIEW),
    "200-create-company-single-2026": created(_COMPANY),
    "200-create-contact-single-2026": created(
        {
            "email": "test.contact.1741764800@example.com",
            "firstname": "Test",
            "lastname": "Contact",
            "phone": "+1 555-1234",
            "company": "Test Company",
            "website": "https://testcompany.com",
        }
    ),
    "200-create-deal-single-2026": created(
        {"dealname": "Test Deal for Validation", "amount": 10000}
    ),
    "200-create-note-single-2026": created(
        {
            "hs_note_body": "Test note created via Nango action",
            "hs_timestamp": "2026-03-12T10:00:00Z",
            "hubspot_owner_id": "88842095",
        },
        _OWNER,
    ),
    "200-create-task-single-2026": created(
        {
            "hs_task_subject": "Test task from Nango",
            "hs_task_priority": "MEDIUM",
            "hs_task_status": "NOT_STARTED",
            "hs_task_type": "TODO",
            "hs_timestamp": "2024-12-31T23:59:59Z",
        }
    ),
    "200-create-ticket-single-2026": created(
        {
            "subject": "Test support ticket from API",
            "hs_pipeline": "0",
            "hs_pipeline_stage": "1",
        }
    ),
    "201-create-contact-with-associations-2024": created(
        {"email": "meows@example.com", "firstname": "Lumen", "lastname": "Learning"},
        dict.fromkeys(
            (
                "+ properties.hs_lifecyclestage_lead_date",
                "+ properties.hs_registered_member",
                "- properties.hs_lifecyclestage_other_date",
                "- properties.hs_marketable_until_renewal",
                "~ properties.lifecyclestage",
            ),
            "new contacts of this portal are not leads",
        ),
    ),
}
UPDATES: Final[Mapping[str, Case]] = {
    **{
        name: updated()
        for name in (
            "200-batch-update-companies-results-reversed",
            "200-batch-update-contacts-2025",
            "200-batch-update-custom-object",
            "200-patch-company-2024",
            "200-patch-contact-2026",
        )
    },
    "200-batch-update-contacts-results-reversed-2024": Case(records),
    "200-batch-update-contacts-2": updated(differs=_DOMAINS),
    "200-batch-update-companies-2026": updated(
        differs={"- *.domain": "no other update shows the domain unwritten"}
    ),
    "200-patch-task-2024": updated(differs=_TASK | _OWNER),
    "200-update-task-2024": updated(differs=_TASK | _OWNER),
    "200-update-ticket-single": updated(
        differs={"- properties.hs_updated_by_user_id": _USERS}
    ),
    "200-update-company-single-2026": updated(
        {
            "name": "Updated Company Name",
            "city": "San Francisco",
            "domain": "updated-example.com",
        }
    ),
    "200-update-contact-single-2026": updated(
        {"firstname": "Updated", "lastname": "Contact"}
    ),
    "200-update-deal-single-2026": updated(
        {
            "dealname": "Updated Test Deal",
            "amount": 15000,
            "closedate": "2026-12-31",
            "dealstage": "qualifiedtobuy",
        },
        _DEAL,
    ),
    "200-update-task-single-2026": updated(
        {
            "hs_task_subject": "Updated Test Task",
            "hs_task_body": "This task has been updated via the action",
            "hs_task_status": "COMPLETED",
            "hs_task_priority": "HIGH",
        },
        {
            **_TASK,
            "- properties.hs_task_is_open": "shown by no other update",
            "~ properties.hs_task_is_past_due_date": "the due date has passed since",
            "~ properties.hs_task_missed_due_date": "the due date has passed since",
        },
    ),
    "200-update-ticket-single-2026": updated(
        {"subject": "Test Ticket Updated via Nango Action Save"}
    ),
}


def legacy(world: World, recording: Recording) -> None:
    """Create the records of the request, and the properties that it writes."""
    for item in recording.sent:
        put(world, "tickets", item["objectId"])
        define(world, "tickets", {each["name"]: None for each in item["properties"]})


LEGACY: Final[Mapping[str, Case]] = {
    "200-legacy-tickets-batch-update": Case(
        legacy,
        differs={
            "+ []": "the documentation cut the second result off",
            "+ [].properties.hs_lastmodifieddate": "shown in the second result",
        },
    )
}
ARCHIVES: Final[Mapping[str, Case]] = {
    **{
        name: Case(present)
        for name in (
            "204-batch-archive-companies",
            "204-batch-archive-contacts-numeric-ids",
            "204-batch-archive-custom-object",
            "204-delete-company-2024",
            "204-delete-company-single-2024",
            "204-delete-contact-2026",
            "204-delete-contact-single-2024",
            "204-delete-meeting-2022",
        )
    },
    "204-delete-task-made-up-id-2026": Case(),
}
