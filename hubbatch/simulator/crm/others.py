"""The other standard object types, with their names, scopes and common properties.

They have no properties of their own; `define` can add what a test needs.
"""

from typing import Final

from hubbatch.simulator.crm.kinds import SOURCE, by_name, datetimes, strings, system
from hubbatch.simulator.crm.property_types import ObjectType


_Scopes = tuple[tuple[str, ...], tuple[str, ...]]


def _crm(name: str) -> _Scopes:
    return (f"crm.objects.{name}.read",), (f"crm.objects.{name}.write",)


_CONTACTS: Final = _crm("contacts")
_LINE_ITEMS: Final = _crm("line_items")
_ALL: Final = ("create", "read", "update", "upsert", "archive")

# Id, singular, plural, scopes, and the batch verbs of v3. The ids of commerce payments,
# contracts and partner objects are invented, because HubSpot's guide has none.
_LISTED: Final[tuple[tuple[str, str, str, _Scopes, tuple[str, ...]], ...]] = (
    ("0-421", "appointment", "appointments", _crm("appointments"), _ALL),
    ("0-48", "call", "calls", _CONTACTS, _ALL),
    ("0-142", "cart", "carts", _crm("carts"), _ALL),
    (
        "0-9101",
        "commerce_payment",
        "commerce_payments",
        _crm("commercepayments"),
        _ALL,
    ),
    ("0-9102", "contract", "contracts", _crm("contracts"), ("read",)),
    ("0-410", "course", "courses", _crm("courses"), _ALL),
    ("0-84", "discount", "discounts", _LINE_ITEMS, _ALL),
    ("0-49", "email", "emails", _CONTACTS, _ALL),
    (
        "0-19",
        "feedback_submission",
        "feedback_submissions",
        _crm("feedback_submissions"),
        ("read",),
    ),
    ("0-85", "fee", "fees", _LINE_ITEMS, _ALL),
    ("0-74", "goal_target", "goal_targets", _crm("goals"), _ALL),
    ("0-53", "invoice", "invoices", _crm("invoices"), _ALL),
    ("0-136", "lead", "leads", _crm("leads"), _ALL),
    ("0-420", "listing", "listings", _crm("listings"), _ALL),
    ("0-47", "meeting", "meetings", _CONTACTS, _ALL),
    ("0-46", "note", "notes", _CONTACTS, _ALL),
    ("0-123", "order", "orders", _crm("orders"), _ALL),
    (
        "0-9103",
        "partner_client",
        "partner_clients",
        _crm("partner-clients"),
        ("read", "update"),
    ),
    (
        "0-9104",
        "partner_service",
        "partner_services",
        _crm("partner-services"),
        ("read", "update"),
    ),
    ("0-101", "payment", "payments", _crm("payments"), ("read",)),
    ("0-116", "postal_mail", "postal_mail", _CONTACTS, _ALL),
    ("0-970", "project", "projects", _crm("projects"), _ALL),
    ("0-14", "quote", "quotes", _crm("quotes"), _ALL),
    ("0-162", "service", "services", _crm("services"), _ALL),
    ("0-69", "subscription", "subscriptions", _crm("subscriptions"), _ALL),
    ("0-27", "task", "tasks", _CONTACTS, _ALL),
    ("0-86", "tax", "taxes", _LINE_ITEMS, _ALL),
    ("0-115", "user", "users", _crm("users"), _ALL),
)

OTHERS: Final = tuple(
    ObjectType(
        type_id,
        singular,
        plural,
        by_name(
            system("hs_createdate", "hs_lastmodifieddate"),
            strings("hs_name"),
            datetimes("hs_timestamp"),
        ),
        fixed=SOURCE,
        scopes=scopes,
        verbs=verbs,
    )
    for type_id, singular, plural, scopes, verbs in _LISTED
)
