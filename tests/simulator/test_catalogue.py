"""The standard object types, written down a second time: ids, values, defaults."""

import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import World
from .test_table import embedded


TYPE_IDS = {
    "contacts": "0-1",
    "companies": "0-2",
    "deals": "0-3",
    "tickets": "0-5",
    "products": "0-7",
    "line_items": "0-8",
    "communications": "0-18",
}

# By error code: the properties that refuse an arbitrary string with it.
WRONG = {
    "INVALID_OPTION": {
        "contacts": [
            *("lifecyclestage", "hs_lead_status", "hs_persona", "hs_language"),
            "numemployees",
        ],
        "companies": ["lifecyclestage", "industry", "type", "hs_lead_status"],
        "deals": [
            *("pipeline", "dealstage", "hs_priority", "dealtype"),
            "deal_currency_code",
        ],
        "tickets": [
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_priority",
            "hs_ticket_category",
            "hs_resolution",
            "hs_ticket_language_ai_tag",
            "source_type",
        ],
        "line_items": ["hs_line_item_currency_code"],
        "communications": [
            "hs_communication_channel_type",
            "hs_communication_logged_from",
        ],
        "calls": ["hs_call_direction", "hs_call_status"],
        "tasks": ["hs_task_priority", "hs_task_status", "hs_task_type"],
    },
    "INVALID_INTEGER": {
        "contacts": ["associatedcompanyid"],
        "companies": ["annualrevenue", "numberofemployees"],
        "deals": ["amount", "hs_deal_stage_probability"],
        "tickets": ["hs_num_times_contacted"],
        "products": ["price", "tax", "hs_cost_of_goods_sold"],
        "line_items": [
            "price",
            "quantity",
            "amount",
            "discount",
            "hs_product_id",
            "tax",
            "hs_external_id",
        ],
        "calls": ["hs_call_duration"],
    },
    "INVALID_LONG": {
        "contacts": ["closedate"],
        "companies": ["closedate"],
        "deals": ["closedate", "createdate"],
        "tickets": ["closed_date", "hs_last_email_date", "first_agent_reply_date"],
        "communications": ["hs_timestamp"],
        "notes": ["hs_timestamp"],
        "meetings": ["hs_meeting_start_time", "hs_meeting_end_time"],
    },
    "INVALID_EMAIL": {"contacts": ["email", "hs_additional_emails"]},
    "READ_ONLY_VALUE": {
        "contacts": [
            *("createdate", "lastmodifieddate", "hs_email_domain", "num_notes"),
            *("notes_last_contacted", "hs_unique_creation_key"),
        ],
        "companies": ["createdate", "hs_lastmodifieddate", "num_associated_contacts"],
        "deals": ["hs_lastmodifieddate", "hs_is_closed", "days_to_close"],
        "tickets": ["hs_ticket_id", "hs_helpdesk_sort_timestamp", "time_to_close"],
        "products": ["createdate", "hs_object_id"],
        "line_items": ["createdate", "hs_object_source"],
        "communications": ["hs_createdate", "hs_lastmodifieddate"],
    },
}
CASES = [
    (code, object_type, name)
    for code, types in WRONG.items()
    for object_type, listed in types.items()
    for name in listed
]

RIGHT = {
    "contacts": {
        "industry": "free text, unlike a company's",
        "hs_lead_status": "OPEN_DEAL",
        "hs_language": "pt-br",
        "numemployees": "5-25",
        "annualrevenue": "a lot",
        "hubspot_owner_id": "31871817",
        "hs_all_assigned_business_unit_ids": "0;5",
    },
    "companies": {
        "industry": "COMPUTER_SOFTWARE",
        "type": "PARTNER",
        "founded_year": "about 1900",
        "hs_keywords": "advertising;apis",
    },
    "deals": {
        "dealtype": "newbusiness",
        "dealstage": "closedwon",
        "deal_currency_code": "USD",
    },
    "tickets": {"source_type": "PHONE", "hs_ticket_language_ai_tag": "fr"},
    "products": {"hs_url": "any", "price": "1.5"},
    "line_items": {"hs_line_item_currency_code": "EUR", "quantity": "-2"},
    "communications": {"hs_communication_channel_type": "WHATS_APP"},
    "notes": {"hs_note_body": "Called back", "hs_timestamp": "2026-05-31T10:00:00Z"},
    "services": {"hs_pipeline_stage": "1357763256"},
}

UNIQUE = {
    "contacts": {"email"},
    "products": {"hs_sku"},
    "line_items": {"hs_external_id"},
    "tickets": {
        *("hs_auto_generated_from_thread_id", "hs_external_object_ids"),
        "hs_msteams_message_id",
    },
}

SHOWN_BY_READ = {
    "contacts": {"firstname", "lastname", "email", "createdate", "lastmodifieddate"},
    "companies": {"name", "domain", "createdate", "hs_lastmodifieddate"},
    "deals": {
        "dealname",
        "amount",
        "closedate",
        "pipeline",
        "dealstage",
        "createdate",
        "hs_lastmodifieddate",
    },
    "tickets": {
        "content",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
        "createdate",
        "hs_lastmodifieddate",
    },
    "products": {"name", "description", "price", "createdate", "hs_lastmodifieddate"},
    "line_items": {"quantity", "amount", "price", "createdate", "hs_lastmodifieddate"},
    "communications": {"hs_createdate", "hs_lastmodifieddate"},
}


@pytest.mark.parametrize("object_type", TYPE_IDS)
@behaviour("type-names", "record-url")
def test_type_ids(world: World, object_type: str) -> None:
    record = world.sim.store.create(object_type, {})
    response = world.batch("read", [{"id": record.id}], type=TYPE_IDS[object_type])

    assert f"/record/{TYPE_IDS[object_type]}/" in response.by_id[record.id]["url"]


@pytest.mark.parametrize(("code", "object_type", "name"), CASES)
@behaviour("invalid-value-codes", "enumeration-options")
def test_wrong_values(world: World, code: str, object_type: str, name: str) -> None:
    inputs = [{"properties": {name: "no such value"}}]
    response = world.batch("create", inputs, type=object_type)
    (problem,) = embedded(response.message)

    assert response.status == 400
    assert (problem["error"], problem["name"]) == (code, name)


@pytest.mark.parametrize("object_type", RIGHT)
@behaviour("enumeration-options")
def test_right_values(world: World, object_type: str) -> None:
    inputs = [{"properties": RIGHT[object_type]}]
    response = world.batch("create", inputs, type=object_type)

    assert response.status == 201


@behaviour("enumeration-options")
def test_options_of_an_account(world: World) -> None:
    """An enumeration without options accepts no value until options are defined."""
    inputs = [{"properties": {"hs_persona": "persona_1"}}]
    before = world.batch("create", inputs, type="contacts")
    persona = Property("hs_persona", "enumeration", ("persona_1",))
    world.sim.store.define("contacts", [persona])

    assert before.status == 400
    assert world.batch("create", inputs, type="contacts").status == 201


@pytest.mark.parametrize("object_type", TYPE_IDS)
@behaviour("upsert-by-unique-property", "id-property-non-unique", "unique-taken")
def test_unique_properties(world: World, object_type: str) -> None:
    """Upserts accept these id properties only, and their values are unique."""
    shelf = world.sim.store.shelf(object_type)
    assert shelf is not None
    names = {name for name, item in shelf.type.properties.items() if item.writable}
    taken = set()
    for name in sorted(names):
        number = shelf.type.properties[name].type == "number"
        key = "7" if number else "K@x.org"
        item = {"id": key, "idProperty": name, "properties": {}}
        response = world.batch("upsert", [item], type=object_type)
        if response.status == 200:
            taken.add(name)
            twice = [{"properties": {name: "k@x.org" if name == "email" else key}}]

            assert world.batch("create", twice, type=object_type).status in {400, 409}

    assert taken == UNIQUE.get(object_type, set())


@pytest.mark.parametrize("object_type", SHOWN_BY_READ)
@behaviour("shown-by-read")
def test_read_defaults(world: World, object_type: str) -> None:
    record = world.sim.store.create(object_type, {})
    response = world.batch("read", [{"id": record.id}], type=object_type)

    assert set(response.by_id[record.id]["properties"]) == {
        "hs_object_id",
        *SHOWN_BY_READ[object_type],
    }
