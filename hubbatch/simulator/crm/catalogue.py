"""The standard object types of a new account."""

from hubbatch.simulator.crm.kinds import (
    SOURCE,
    by_name,
    datetimes,
    numbers,
    read_only,
    strings,
    system,
)
from hubbatch.simulator.crm.options import (
    CHANNELS,
    CURRENCIES,
    LANGUAGES,
    TICKET_CATEGORIES,
    TICKET_PRIORITIES,
    TICKET_SOURCES,
    TICKET_STAGES,
)
from hubbatch.simulator.crm.property_types import ObjectType, Property
from hubbatch.simulator.crm.sample_records import COMPANIES, CONTACTS, DEALS


TICKETS = ObjectType(
    "0-5",
    "ticket",
    "tickets",
    by_name(
        system("createdate", "hs_lastmodifieddate"),
        strings("subject", "content", "hs_file_upload"),
        strings("hs_assigned_team_ids"),
        datetimes("closed_date", "hs_last_email_date", "first_agent_reply_date"),
        read_only("hs_ticket_id", "hs_helpdesk_sort_timestamp", "time_to_close"),
        read_only("hs_last_message_from_visitor", "hs_num_times_contacted"),
        [
            Property("hs_pipeline", "enumeration", ("0",)),
            Property("hs_pipeline_stage", "enumeration", TICKET_STAGES),
            Property("hs_ticket_priority", "enumeration", TICKET_PRIORITIES),
            Property(
                "hs_ticket_category", "enumeration", TICKET_CATEGORIES, multiple=True
            ),
            # No source lists HubSpot's options of hs_resolution; `define` can add some.
            Property("hs_resolution", "enumeration", multiple=True),
            Property("hs_ticket_language_ai_tag", "enumeration", LANGUAGES),
            Property("source_type", "enumeration", TICKET_SOURCES),
            Property("hs_external_object_ids", unique=True),
        ],
    ),
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
        *SOURCE,
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_id",
    ),
    fixed={
        **SOURCE,
        "hs_last_message_from_visitor": "false",
        "hs_pipeline": "0",
        "hs_pipeline_stage": "1",
    },
    derived={
        "hs_ticket_id": lambda values: values["hs_object_id"],
        "hs_helpdesk_sort_timestamp": lambda values: values["createdate"],
    },
    scopes=(("tickets",), ("tickets",)),
)

COMMUNICATIONS = ObjectType(
    "0-18",
    "communication",
    "communications",
    by_name(
        system("hs_createdate", "hs_lastmodifieddate"),
        strings("hs_communication_body", "hs_body_preview"),
        datetimes("hs_timestamp"),
        [
            Property("hs_communication_channel_type", "enumeration", CHANNELS),
            Property("hs_communication_logged_from", "enumeration", ("CRM",)),
        ],
    ),
    read_by_default=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    fixed=SOURCE,
    scopes=(("crm.objects.contacts.read",), ("crm.objects.contacts.write",)),
)

LINE_ITEMS = ObjectType(
    "0-8",
    "line_item",
    "line_items",
    by_name(
        system("createdate", "hs_lastmodifieddate"),
        strings("name", "description", "hs_sku"),
        numbers("price", "quantity", "amount", "discount", "hs_product_id", "tax"),
        [
            Property("hs_external_id", unique=True),
            Property("hs_line_item_currency_code", "enumeration", CURRENCIES),
        ],
    ),
    names=("line item", "line items"),
    created="createdate",
    read_by_default=("quantity", "amount", "price"),
    fixed=SOURCE,
    scopes=(("crm.objects.line_items.read",), ("crm.objects.line_items.write",)),
)

PRODUCTS = ObjectType(
    "0-7",
    "product",
    "products",
    by_name(
        system("createdate", "hs_lastmodifieddate"),
        strings("name", "description", "hs_url", "hs_images"),
        numbers("price", "tax", "hs_cost_of_goods_sold"),
        [Property("hs_sku", unique=True)],
    ),
    created="createdate",
    read_by_default=("name", "description", "price"),
    fixed=SOURCE,
    scopes=(("crm.objects.products.read",), ("crm.objects.products.write",)),
)

STANDARD = (
    TICKETS,
    CONTACTS,
    COMPANIES,
    DEALS,
    COMMUNICATIONS,
    LINE_ITEMS,
    PRODUCTS,
)


def custom(name: str, number: int, portal_id: int) -> ObjectType:
    """Return a custom object type with HubSpot's system properties only."""
    plain = name.lower()
    return ObjectType(
        f"2-{number}",
        plain,
        f"{plain}s",
        by_name(system("hs_createdate", "hs_lastmodifieddate")),
        names=(f"p_{plain}", f"p{portal_id}_{plain}"),
        scopes=(("crm.objects.custom.read",), ("crm.objects.custom.write",)),
    )
