"""The values that HubSpot computes from others, as recorded on creates and updates.

Values that depend on what the simulator does not compute, such as the forecast of a
deal from the probability of its stage, are not here.
"""

import re

from collections.abc import Callable, Mapping
from typing import Final

from hubbatch.simulator.crm.property_types import parse_instant


Values = Mapping[str, str]
Derive = Callable[[Values], str | None]

_TAG: Final = re.compile(r"<[^>]*>")


def copy_of(name: str) -> Derive:
    """Return the function that copies a value."""
    return lambda values: values.get(name)


def entered_stage(created: str) -> dict[str, Derive]:
    """Return the dates of the stage that a new record is in, recorded since 2026."""
    names = ("hs_v2_date_entered_current_stage", "hs_v2_time_in_current_stage")
    return dict.fromkeys(names, copy_of(created))


def email_domain(values: Values) -> str | None:
    """Return the domain of a contact's address."""
    return values.get("email", "").partition("@")[2] or None


def full_name(values: Values) -> str | None:
    """Return the name of a contact, or the address without one."""
    names = (values.get("firstname"), values.get("lastname"))
    return " ".join(name for name in names if name) or values.get("email")


def became_lead(values: Values) -> str | None:
    """Return the creation date of a contact in milliseconds, recorded since 2025."""
    created = parse_instant(values["createdate"])
    return None if created is None else str(created)


def searchable_phone(values: Values) -> str | None:
    """Return the digits of a phone number: "15551234" of "+1 555-1234"."""
    digits = "".join(filter(str.isdecimal, values.get("phone", "")))
    return digits or None


def body_preview(name: str) -> dict[str, Derive]:
    """Return the previews of the body of an engagement, which is in a property."""

    def html(values: Values) -> str | None:
        body = values.get(name)
        if body is None:
            return None
        return f"<html>\n<head></head>\n<body>\n{body}\n</body>\n</html>"

    def text(values: Values) -> str | None:
        body = values.get(name)
        return None if body is None else _TAG.sub("", body)

    return {
        "hs_body_preview": text,
        "hs_body_preview_html": html,
        # Of longer bodies it is unknown where HubSpot cuts.
        "hs_body_preview_is_truncated": lambda values: (
            "false" if name in values else None
        ),
    }


OWNED: Final[Mapping[str, Derive]] = {"hs_all_owner_ids": copy_of("hubspot_owner_id")}


def owner_assigned(values: Values) -> str | None:
    """Return when the owner of an engagement was assigned: at its creation."""
    return values["hs_createdate"] if "hubspot_owner_id" in values else None


def coordinates(type_id: str) -> dict[str, Derive]:
    """Return the coordinates of an engagement, recorded since 2026."""
    return {"hs_obj_coords": lambda values: f"{type_id}-{values['hs_object_id']}"}


# ---- tasks


def _is_completed(values: Values) -> bool:
    return values.get("hs_task_status") == "COMPLETED"


def _is_due(values: Values) -> bool:
    """Return whether the due date has passed when the task is written."""
    due = parse_instant(values.get("hs_timestamp", ""))
    written = parse_instant(values["hs_lastmodifieddate"])
    return due is not None and written is not None and due < written


def _flag(condition: Callable[[Values], bool], words: tuple[str, str]) -> Derive:
    return lambda values: words[condition(values)]


def _completed_on(values: Values) -> str | None:
    if not _is_completed(values):
        return None
    completed = values.get("hs_task_completion_date")
    return completed or values["hs_lastmodifieddate"]


_NUMBERS: Final = ("0", "1")
_WORDS: Final = ("false", "true")
# Recorded: of a completed task, "past due" and "missed" remain, "overdue" does not.
TASK_STATE: Final[Mapping[str, Derive]] = {
    "hs_task_completion_count": _flag(_is_completed, _NUMBERS),
    "hs_task_completion_date": _completed_on,
    "hs_task_is_completed": _flag(_is_completed, _NUMBERS),
    "hs_task_is_overdue": _flag(
        lambda values: _is_due(values) and not _is_completed(values), _WORDS
    ),
    "hs_task_is_past_due_date": _flag(_is_due, _WORDS),
    "hs_task_missed_due_date": _flag(_is_due, _WORDS),
    "hs_task_missed_due_date_count": _flag(_is_due, _NUMBERS),
}
# Of each kind of task, whether it is completed.
TASK_DONE: Final = (
    "hs_task_is_completed_call",
    "hs_task_is_completed_email",
    "hs_task_is_completed_linked_in",
    "hs_task_is_completed_sequence",
)
TASK_FIXED: Final[Mapping[str, str]] = {
    **dict.fromkeys(TASK_DONE, "0"),
    "hs_task_family": "SALES",
    "hs_task_for_object_type": "OWNER",
    "hs_task_is_all_day": "false",
    "hs_task_is_sub_task": "false",
    "hs_task_priority": "NONE",
}

# ---- the counters of new records

COMPANY_FIXED: Final[Mapping[str, str]] = {
    "hs_annual_revenue_currency_code": "USD",
    **dict.fromkeys(
        (
            "hs_num_blockers",
            "hs_num_child_companies",
            "hs_num_contacts_with_buying_roles",
            "hs_num_decision_makers",
            "hs_num_open_deals",
            "num_associated_contacts",
            "num_notes",
        ),
        "0",
    ),
}
TICKET_FIXED: Final[Mapping[str, str]] = {
    "hs_is_closed": "false",
    "hs_is_visible_in_help_desk": "true",
    "hs_last_email_activity": "ORIGINAL_FROM_CONTACT",
    "hs_num_associated_companies": "0",
    "hs_num_associated_conversations": "0",
    "hs_num_times_contacted": "0",
    "num_notes": "0",
}
DEAL_FIXED: Final[Mapping[str, str]] = {
    "hs_has_last_conversation_follow_ups": "false",
    "hs_has_last_meeting_followups": "false",
    "hs_is_closed_lost": "false",
    "hs_is_closed_won": "false",
    "hs_is_deal_split": "false",
    **dict.fromkeys(
        (
            "days_to_close",
            "hs_closed_amount",
            "hs_closed_amount_in_home_currency",
            "hs_closed_won_count",
            "hs_days_to_close_raw",
            "hs_deal_stage_probability_shadow",
            "hs_num_associated_active_deal_registrations",
            "hs_num_associated_deal_registrations",
            "hs_num_associated_deal_splits",
            "hs_num_of_associated_line_items",
            "hs_num_target_accounts",
            "hs_number_of_call_engagements",
            "hs_number_of_inbound_calls",
            "hs_number_of_outbound_calls",
            "hs_number_of_overdue_tasks",
            "hs_projected_amount",
            "hs_projected_amount_in_home_currency",
            "num_associated_contacts",
            "num_notes",
        ),
        "0",
    ),
}
# A deal in the currency of the account.
DEAL_AMOUNTS: Final[Mapping[str, Derive]] = dict.fromkeys(
    ("amount_in_home_currency", "hs_forecast_amount"), copy_of("amount")
)
