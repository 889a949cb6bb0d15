"""The object types of a new account: what the simulator does with each of them.

Their properties are HubSpot's own, from `standard_properties`.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import attrs

from hubbatch.simulator.crm import computed
from hubbatch.simulator.crm.property_types import ObjectType
from hubbatch.simulator.crm.standard_properties import (
    EVERY_OBJECT,
    standard_properties,
)


# The source that records show after a write by a private app, recorded since 2024.
SOURCE: Final = {
    "hs_object_source": "INTEGRATION",
    "hs_object_source_id": "1024738",
    "hs_object_source_label": "INTEGRATION",
}


_TICKETS: Final = ObjectType(
    "0-5",
    "ticket",
    "tickets",
    created="createdate",
    read_by_default=(
        "content",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
    ),
    shown_by_update=(
        "hs_helpdesk_sort_timestamp",
        "hs_is_closed",
        "hs_last_email_activity",
        *computed.entered_stage("createdate"),
        *SOURCE,
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_id",
    ),
    fixed={
        **SOURCE,
        **computed.TICKET_FIXED,
        "hs_last_message_from_visitor": "false",
        "hs_pipeline": "0",
        "hs_pipeline_stage": "1",
    },
    derived={
        "hs_ticket_id": computed.copy_of("hs_object_id"),
        "hs_helpdesk_sort_timestamp": computed.copy_of("createdate"),
        **computed.entered_stage("createdate"),
    },
    scopes=(("tickets",), ("tickets",)),
)

_CONTACTS: Final = ObjectType(
    "0-1",
    "contact",
    "contacts",
    created="createdate",
    modified="lastmodifieddate",
    read_by_default=("firstname", "lastname", "email"),
    shown_by_update=(
        "hs_is_unworked",
        *computed.entered_stage("createdate"),
        *SOURCE,
        "hs_pipeline",
        "lifecyclestage",
        "notes_last_updated",
    ),
    fixed={
        **SOURCE,
        "hs_associated_target_accounts": "0",
        "hs_currently_enrolled_in_prospecting_agent": "false",
        "hs_is_contact": "true",
        "hs_is_unworked": "true",
        "hs_membership_has_accessed_private_content": "0",
        "hs_pipeline": "contacts-lifecycle-pipeline",
        "hs_prospecting_agent_actively_enrolled_count": "0",
        "hs_prospecting_agent_total_enrolled_count": "0",
        "hs_registered_member": "0",
        "hs_sequences_actively_enrolled_count": "0",
        "lifecyclestage": "lead",
        "num_notes": "0",
    },
    derived={
        "hs_all_contact_vids": computed.copy_of("hs_object_id"),
        "hs_email_domain": computed.email_domain,
        "hs_full_name_or_email": computed.full_name,
        "hs_lifecyclestage_lead_date": computed.became_lead,
        "hs_searchable_calculated_phone_number": computed.searchable_phone,
        **computed.entered_stage("createdate"),
    },
    recomputed=(
        "hs_email_domain",
        "hs_full_name_or_email",
        "hs_searchable_calculated_phone_number",
    ),
    scopes=(("crm.objects.contacts.read",), ("crm.objects.contacts.write",)),
    # Recorded in 2022.
    descriptive={
        "primaryDisplayProperty": "firstname",
        "secondaryDisplayProperties": ["lastname", "email", "phone"],
    },
)

_COMPANIES: Final = ObjectType(
    "0-2",
    "company",
    "companies",
    created="createdate",
    read_by_default=("name", "domain"),
    shown_by_update=(
        *computed.entered_stage("createdate"),
        *SOURCE,
        "hs_pipeline",
        "hs_task_label",
        "lifecyclestage",
    ),
    fixed={
        **SOURCE,
        **computed.COMPANY_FIXED,
        "hs_pipeline": "companies-lifecycle-pipeline",
        "lifecyclestage": "lead",
    },
    derived={
        "hs_task_label": computed.copy_of("name"),
        "website": lambda values: values.get("website") or values.get("domain"),
        **computed.entered_stage("createdate"),
    },
    recomputed=("hs_task_label",),
    scopes=(("crm.objects.companies.read",), ("crm.objects.companies.write",)),
)

_DEALS: Final = ObjectType(
    "0-3",
    "deal",
    "deals",
    created="createdate",
    read_by_default=("dealname", "amount", "closedate", "pipeline", "dealstage"),
    shown_by_update=(*SOURCE, "pipeline"),
    fixed={**SOURCE, **computed.DEAL_FIXED},
    derived={
        "hs_createdate": computed.copy_of("createdate"),
        **computed.DEAL_AMOUNTS,
    },
    recomputed=tuple(computed.DEAL_AMOUNTS),
    scopes=(("crm.objects.deals.read",), ("crm.objects.deals.write",)),
)

_COMMUNICATIONS: Final = ObjectType(
    "0-18",
    "communication",
    "communications",
    read_by_default=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    fixed=SOURCE,
    scopes=(("crm.objects.contacts.read",), ("crm.objects.contacts.write",)),
)

_LINE_ITEMS: Final = ObjectType(
    "0-8",
    "line_item",
    "line_items",
    names=("line item", "line items"),
    created="createdate",
    read_by_default=("quantity", "amount", "price"),
    fixed=SOURCE,
    scopes=(("crm.objects.line_items.read",), ("crm.objects.line_items.write",)),
)

_PRODUCTS: Final = ObjectType(
    "0-7",
    "product",
    "products",
    created="createdate",
    read_by_default=("name", "description", "price"),
    fixed=SOURCE,
    scopes=(("crm.objects.products.read",), ("crm.objects.products.write",)),
)

_Scopes = tuple[tuple[str, ...], tuple[str, ...]]


def _crm(name: str) -> _Scopes:
    return (f"crm.objects.{name}.read",), (f"crm.objects.{name}.write",)


_CONTACT_SCOPES: Final = _crm("contacts")
_LINE_ITEM_SCOPES: Final = _crm("line_items")
_ALL: Final = ("create", "read", "update", "upsert", "archive")

# Id, singular, plural, scopes, and the batch verbs of v3. The ids of commerce payments,
# contracts and partner objects are invented, because HubSpot's guide has none.
_LISTED: Final[tuple[tuple[str, str, str, _Scopes, tuple[str, ...]], ...]] = (
    ("0-421", "appointment", "appointments", _crm("appointments"), _ALL),
    ("0-48", "call", "calls", _CONTACT_SCOPES, _ALL),
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
    ("0-84", "discount", "discounts", _LINE_ITEM_SCOPES, _ALL),
    ("0-49", "email", "emails", _CONTACT_SCOPES, _ALL),
    (
        "0-19",
        "feedback_submission",
        "feedback_submissions",
        _crm("feedback_submissions"),
        ("read",),
    ),
    ("0-85", "fee", "fees", _LINE_ITEM_SCOPES, _ALL),
    ("0-74", "goal_target", "goal_targets", _crm("goals"), _ALL),
    ("0-53", "invoice", "invoices", _crm("invoices"), _ALL),
    ("0-136", "lead", "leads", _crm("leads"), _ALL),
    ("0-420", "listing", "listings", _crm("listings"), _ALL),
    ("0-47", "meeting", "meetings", _CONTACT_SCOPES, _ALL),
    ("0-46", "note", "notes", _CONTACT_SCOPES, _ALL),
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
    ("0-116", "postal_mail", "postal_mail", _CONTACT_SCOPES, _ALL),
    ("0-970", "project", "projects", _crm("projects"), _ALL),
    ("0-14", "quote", "quotes", _crm("quotes"), _ALL),
    ("0-162", "service", "services", _crm("services"), _ALL),
    ("0-69", "subscription", "subscriptions", _crm("subscriptions"), _ALL),
    ("0-27", "task", "tasks", _CONTACT_SCOPES, _ALL),
    ("0-86", "tax", "taxes", _LINE_ITEM_SCOPES, _ALL),
    ("0-115", "user", "users", _crm("users"), _ALL),
)


def _engagement(type_id: str, body: str) -> dict[str, Any]:
    """Return what HubSpot computes for a type of engagement."""
    changing = {**computed.body_preview(body), **computed.OWNED}
    return {
        "shown_by_update": (*SOURCE, "hs_all_owner_ids", "hubspot_owner_id"),
        "derived": {
            **changing,
            **computed.coordinates(type_id),
            "hubspot_owner_assigneddate": computed.owner_assigned,
        },
        "recomputed": tuple(changing),
    }


def _task() -> dict[str, Any]:
    made = _engagement("0-27", "hs_task_body")
    state = computed.TASK_STATE
    shown = ("hs_obj_coords", "hs_start_date_with_fallback", "hs_task_type")
    more = ("hs_timestamp", "hubspot_owner_assigneddate", *computed.TASK_DONE)
    return {
        "shown_by_update": (*made["shown_by_update"], *shown, *more, *state),
        "fixed": {**SOURCE, **computed.TASK_FIXED},
        "derived": {
            **made["derived"],
            **state,
            "hs_engagements_last_contacted": computed.copy_of("hs_timestamp"),
            "hs_start_date_with_fallback": computed.copy_of("hs_createdate"),
        },
        "recomputed": (*made["recomputed"], *state),
    }


_COMPUTED: Final[Mapping[str, Mapping[str, Any]]] = {
    "meetings": {
        **_engagement("0-47", "hs_meeting_body"),
        "fixed": {**SOURCE, "hs_meeting_source": "CRM_UI"},
    },
    "notes": _engagement("0-46", "hs_note_body"),
    "tasks": _task(),
}


def _other(
    type_id: str, singular: str, plural: str, scopes: _Scopes, verbs: tuple[str, ...]
) -> ObjectType:
    more = {"fixed": SOURCE, **_COMPUTED.get(plural, {})}
    return ObjectType(type_id, singular, plural, scopes=scopes, verbs=verbs, **more)


_OTHERS: Final = tuple(_other(*listed) for listed in _LISTED)

# Without their properties, which `standard_type` adds.
STANDARD: Final = (
    _TICKETS,
    _CONTACTS,
    _COMPANIES,
    _DEALS,
    _COMMUNICATIONS,
    _LINE_ITEMS,
    _PRODUCTS,
    *_OTHERS,
)
STANDARD_IDS: Final = {
    name.lower(): object_type.id
    for object_type in STANDARD
    for name in object_type.all_names()
}
_BY_ID: Final = {object_type.id: object_type for object_type in STANDARD}

# What the definitions do not say. The addresses of a contact are unique together with
# its `email`, not one value, so that they identify no record by themselves. Upserts by
# the SKU of products and the external id of line items are live-checked
# (`bruin-data/ingestr` #1179).
_MORE: Final[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "contacts": {
        "email": {"email": True},
        "hs_additional_emails": {"email": True, "multiple": True, "unique": False},
    },
    "products": {"hs_sku": {"unique": True}},
    "line_items": {"hs_external_id": {"unique": True}},
}


@cache
def standard_type(type_id: str) -> ObjectType:
    """Return a standard object type with its properties."""
    object_type = _BY_ID[type_id]
    properties = dict(standard_properties(object_type.plural))
    for name, more in _MORE.get(object_type.plural, {}).items():
        properties[name] = attrs.evolve(properties[name], **more)
    return attrs.evolve(object_type, properties=properties)


def custom(
    name: str, number: int, portal_id: int, descriptive: Mapping[str, Any]
) -> ObjectType:
    """Return a custom object type with HubSpot's system properties only."""
    plain = name.lower()
    return ObjectType(
        f"2-{number}",
        plain,
        f"{plain}s",
        standard_properties(EVERY_OBJECT),
        names=(f"p_{plain}", f"p{portal_id}_{plain}"),
        scopes=(("crm.objects.custom.read",), ("crm.objects.custom.write",)),
        descriptive=descriptive,
    )
