"""Contacts, companies and deals of a new account."""

from collections.abc import Mapping

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
    COMPANY_TYPES,
    DEAL_STAGES,
    DEAL_TYPES,
    INDUSTRIES,
    LANGUAGES,
    LEAD_STATUS,
    LIFECYCLE,
)
from hubbatch.simulator.crm.property_types import ObjectType, Property


def _domain(properties: Mapping[str, str]) -> str | None:
    return properties.get("email", "").partition("@")[2] or None


def _full_name(properties: Mapping[str, str]) -> str | None:
    names = (properties.get("firstname"), properties.get("lastname"))
    return " ".join(name for name in names if name) or properties.get("email")


CONTACTS = ObjectType(
    "0-1",
    "contact",
    "contacts",
    by_name(
        system("createdate", "lastmodifieddate"),
        strings("firstname", "lastname", "phone", "mobilephone", "company", "website"),
        strings("jobtitle", "address", "city", "state", "zip", "country", "salutation"),
        strings("message"),
        strings("twitterhandle", "industry", "fax", "date_of_birth"),
        numbers("annualrevenue", "numemployees", "associatedcompanyid"),
        datetimes("closedate", "notes_last_contacted"),
        read_only("hs_all_contact_vids", "hs_email_domain", "hs_is_contact"),
        read_only("hs_is_unworked", "hs_pipeline", "num_notes", "hs_registered_member"),
        read_only("hs_full_name_or_email", "hs_lifecyclestage_lead_date"),
        read_only("hs_associated_target_accounts"),
        read_only("hs_currently_enrolled_in_prospecting_agent"),
        read_only("hs_membership_has_accessed_private_content"),
        read_only("hs_prospecting_agent_actively_enrolled_count"),
        read_only("hs_prospecting_agent_total_enrolled_count"),
        read_only("hs_sequences_actively_enrolled_count"),
        [
            Property("email", unique=True, email=True),
            Property("hs_additional_emails", email=True, multiple=True),
            Property("lifecyclestage", "enumeration", LIFECYCLE),
            Property("hs_lead_status", "enumeration", LEAD_STATUS),
            Property("hs_language", "enumeration", LANGUAGES),
            # Each account defines its own personas; a new account has none.
            Property("hs_persona", "enumeration"),
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
        "hs_all_contact_vids": lambda values: values["hs_object_id"],
        "hs_email_domain": _domain,
        "hs_full_name_or_email": _full_name,
        "hs_lifecyclestage_lead_date": lambda values: values["createdate"],
    },
    recomputed=("hs_email_domain", "hs_full_name_or_email"),
    scopes=(("crm.objects.contacts.read",), ("crm.objects.contacts.write",)),
)

COMPANIES = ObjectType(
    "0-2",
    "company",
    "companies",
    by_name(
        system("createdate", "hs_lastmodifieddate"),
        strings("name", "domain", "website", "phone", "address", "city", "state"),
        strings("zip", "country", "description", "about_us"),
        numbers("annualrevenue", "numberofemployees", "founded_year"),
        datetimes("closedate"),
        read_only("hs_pipeline"),
        [
            Property("lifecyclestage", "enumeration", LIFECYCLE),
            Property("industry", "enumeration", INDUSTRIES),
            Property("type", "enumeration", COMPANY_TYPES),
            Property("hs_lead_status", "enumeration", LEAD_STATUS),
        ],
    ),
    created="createdate",
    read_by_default=("name", "domain"),
    fixed={
        **SOURCE,
        "hs_pipeline": "companies-lifecycle-pipeline",
        "lifecyclestage": "lead",
    },
    derived={"website": lambda values: values.get("website") or values.get("domain")},
    scopes=(("crm.objects.companies.read",), ("crm.objects.companies.write",)),
)

DEALS = ObjectType(
    "0-3",
    "deal",
    "deals",
    by_name(
        system("createdate", "hs_lastmodifieddate"),
        strings("dealname", "description", "hs_next_step"),
        numbers("amount", "hs_deal_stage_probability"),
        datetimes("closedate"),
        read_only("days_to_close", "hs_is_closed"),
        [
            Property("pipeline", "enumeration", ("default",)),
            Property("dealtype", "enumeration", DEAL_TYPES),
            Property("dealstage", "enumeration", DEAL_STAGES),
            Property("hs_priority", "enumeration", ("low", "medium", "high")),
        ],
    ),
    created="createdate",
    read_by_default=("dealname", "amount", "closedate", "pipeline", "dealstage"),
    fixed=SOURCE,
    scopes=(("crm.objects.deals.read",), ("crm.objects.deals.write",)),
)
