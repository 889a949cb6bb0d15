"""The standard object types, as a new account has them."""

from collections.abc import Callable, Mapping

from hubbatch.simulator.schemas import ObjectType, Property


# "Tickets" in the CRM API guide, and the options named in error messages of 2026.
STAGES = ("1", "2", "3", "4")
PRIORITIES = ("LOW", "MEDIUM", "HIGH", "URGENT")
CATEGORIES = ("PRODUCT_ISSUE", "BILLING_ISSUE", "FEATURE_REQUEST", "GENERAL_INQUIRY")
SOURCES = ("CHAT", "EMAIL", "FORM", "PHONE")
CHANNELS = ("WHATS_APP", "LINKEDIN_MESSAGE", "SMS")
LIFECYCLE = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
DEAL_STAGES = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
)

# What a write by a private app was seen to leave behind, 2024 and later.
SOURCE = {
    "hs_object_source": "INTEGRATION",
    "hs_object_source_id": "1024738",
    "hs_object_source_label": "INTEGRATION",
}

Derived = Mapping[str, Callable[[Mapping[str, str]], str | None]]


def _texts(*names: str) -> list[Property]:
    return [Property(name) for name in names]


def _numbers(*names: str) -> list[Property]:
    return [Property(name, "number") for name in names]


def _instants(*names: str) -> list[Property]:
    return [Property(name, "datetime") for name in names]


def _read_only(*names: str) -> list[Property]:
    return [Property(name, read_only=True) for name in names]


def _system(created: str, modified: str) -> list[Property]:
    return [
        *_read_only(created, modified, "hs_object_id", "hs_all_owner_ids"),
        *_read_only(*SOURCE, "hs_updated_by_user_id", "hs_unique_creation_key"),
        *_numbers("hubspot_owner_id"),
        *_texts("hs_all_assigned_business_unit_ids"),
    ]


def _by_name(*groups: list[Property]) -> dict[str, Property]:
    return {one.name: one for group in groups for one in group}


def _domain(properties: Mapping[str, str]) -> str | None:
    return properties.get("email", "").partition("@")[2] or None


def _full_name(properties: Mapping[str, str]) -> str | None:
    names = (properties.get("firstname"), properties.get("lastname"))
    return " ".join(name for name in names if name) or properties.get("email")


TICKETS = ObjectType(
    "0-5",
    "ticket",
    "tickets",
    _by_name(
        _system("createdate", "hs_lastmodifieddate"),
        _texts("subject", "content", "hs_file_upload", "hs_resolution"),
        _texts("hs_ticket_language_ai_tag", "hs_assigned_team_ids"),
        _instants("closed_date", "hs_last_email_date", "first_agent_reply_date"),
        _read_only("hs_ticket_id", "hs_helpdesk_sort_timestamp", "time_to_close"),
        _read_only("hs_last_message_from_visitor", "hs_num_times_contacted"),
        [
            Property("hs_pipeline", "enumeration", ("0",)),
            Property("hs_pipeline_stage", "enumeration", STAGES),
            Property("hs_ticket_priority", "enumeration", PRIORITIES),
            Property("hs_ticket_category", "enumeration", CATEGORIES, multiple=True),
            Property("source_type", "enumeration", SOURCES),
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
        "hs_ticket_id": lambda seen: seen["hs_object_id"],
        "hs_helpdesk_sort_timestamp": lambda seen: seen["createdate"],
    },
    scopes=(("tickets",), ("tickets",)),
)

CONTACTS = ObjectType(
    "0-1",
    "contact",
    "contacts",
    _by_name(
        _system("createdate", "lastmodifieddate"),
        _texts("firstname", "lastname", "phone", "mobilephone", "company", "website"),
        _texts("jobtitle", "address", "city", "state", "zip", "country", "salutation"),
        _texts("hs_additional_emails", "hs_language", "message", "hs_lead_status"),
        _texts("twitterhandle", "industry", "fax", "hs_persona", "date_of_birth"),
        _numbers("annualrevenue", "numemployees", "associatedcompanyid"),
        _instants("closedate", "notes_last_contacted"),
        _read_only("hs_all_contact_vids", "hs_email_domain", "hs_is_contact"),
        _read_only(
            "hs_is_unworked", "hs_pipeline", "num_notes", "hs_registered_member"
        ),
        _read_only("hs_full_name_or_email", "hs_lifecyclestage_lead_date"),
        _read_only("hs_associated_target_accounts"),
        _read_only("hs_currently_enrolled_in_prospecting_agent"),
        _read_only("hs_membership_has_accessed_private_content"),
        _read_only("hs_prospecting_agent_actively_enrolled_count"),
        _read_only("hs_prospecting_agent_total_enrolled_count"),
        _read_only("hs_sequences_actively_enrolled_count"),
        [
            Property("email", unique=True, email=True),
            Property("lifecyclestage", "enumeration", LIFECYCLE),
            Property("hs_marketable_status", "bool", read_only=True),
        ],
    ),
    created="createdate",
    modified="lastmodifieddate",
    read_by_default=("firstname", "lastname", "email"),
    shown_by_update=("hs_is_unworked", *SOURCE, "hs_pipeline", "lifecyclestage"),
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
        "hs_all_contact_vids": lambda seen: seen["hs_object_id"],
        "hs_email_domain": _domain,
        "hs_full_name_or_email": _full_name,
        "hs_lifecyclestage_lead_date": lambda seen: seen["createdate"],
    },
    recomputed=("hs_email_domain", "hs_full_name_or_email"),
    scopes=(("crm.objects.contacts.read",), ("crm.objects.contacts.write",)),
)

COMPANIES = ObjectType(
    "0-2",
    "company",
    "companies",
    _by_name(
        _system("createdate", "hs_lastmodifieddate"),
        _texts("name", "domain", "website", "phone", "address", "city", "state"),
        _texts("zip", "country", "industry", "description", "about_us", "type"),
        _numbers("annualrevenue", "numberofemployees", "founded_year"),
        _instants("closedate"),
        _read_only("hs_pipeline"),
        [Property("lifecyclestage", "enumeration", LIFECYCLE)],
    ),
    created="createdate",
    read_by_default=("name", "domain"),
    fixed={
        **SOURCE,
        "hs_pipeline": "companies-lifecycle-pipeline",
        "lifecyclestage": "lead",
    },
    derived={"website": lambda seen: seen.get("website") or seen.get("domain")},
    scopes=(("crm.objects.companies.read",), ("crm.objects.companies.write",)),
)

DEALS = ObjectType(
    "0-3",
    "deal",
    "deals",
    _by_name(
        _system("createdate", "hs_lastmodifieddate"),
        _texts("dealname", "description", "dealtype", "hs_next_step"),
        _numbers("amount", "hs_deal_stage_probability"),
        _instants("closedate"),
        _read_only("days_to_close", "hs_is_closed"),
        [
            Property("pipeline", "enumeration", ("default",)),
            Property("dealstage", "enumeration", DEAL_STAGES),
            Property("hs_priority", "enumeration", ("low", "medium", "high")),
        ],
    ),
    created="createdate",
    read_by_default=("dealname", "amount", "closedate", "pipeline", "dealstage"),
    fixed={**SOURCE, "pipeline": "default"},
    scopes=(("crm.objects.deals.read",), ("crm.objects.deals.write",)),
)

COMMUNICATIONS = ObjectType(
    "0-18",
    "communication",
    "communications",
    _by_name(
        _system("hs_createdate", "hs_lastmodifieddate"),
        _texts("hs_communication_body", "hs_body_preview"),
        _instants("hs_timestamp"),
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
    _by_name(
        _system("createdate", "hs_lastmodifieddate"),
        _texts("name", "description", "hs_sku", "hs_line_item_currency_code"),
        _numbers("price", "quantity", "amount", "discount", "hs_product_id", "tax"),
        [Property("hs_external_id", unique=True)],
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
    _by_name(
        _system("createdate", "hs_lastmodifieddate"),
        _texts("name", "description", "hs_url", "hs_images"),
        _numbers("price", "tax", "hs_cost_of_goods_sold"),
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
    """Return a custom object type with nothing but what HubSpot gives it."""
    plain = name.lower()
    return ObjectType(
        f"2-{number}",
        plain,
        f"{plain}s",
        _by_name(_system("hs_createdate", "hs_lastmodifieddate")),
        names=(f"p_{plain}", f"p{portal_id}_{plain}"),
        scopes=(("crm.objects.custom.read",), ("crm.objects.custom.write",)),
    )
