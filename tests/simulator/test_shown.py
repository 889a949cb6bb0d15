"""Which properties the answers to batches show, with which values."""

import pytest

from .behaviours import behaviour
from .conftest import World


@pytest.mark.parametrize(
    ("object_type", "written", "system"),
    [
        (
            "companies",
            {"name": "A", "domain": "a.org"},
            {
                "createdate",
                "hs_annual_revenue_currency_code",
                "hs_lastmodifieddate",
                "hs_num_blockers",
                "hs_num_child_companies",
                "hs_num_contacts_with_buying_roles",
                "hs_num_decision_makers",
                "hs_num_open_deals",
                "hs_object_id",
                "hs_object_source",
                "hs_object_source_id",
                "hs_object_source_label",
                "hs_pipeline",
                "hs_task_label",
                "hs_v2_date_entered_current_stage",
                "hs_v2_time_in_current_stage",
                "lifecyclestage",
                "num_associated_contacts",
                "num_notes",
                "website",
            },
        ),
        (
            "tickets",
            {"subject": "A", "hs_pipeline_stage": "2"},
            {
                "createdate",
                "hs_helpdesk_sort_timestamp",
                "hs_is_closed",
                "hs_is_visible_in_help_desk",
                "hs_last_email_activity",
                "hs_last_message_from_visitor",
                "hs_lastmodifieddate",
                "hs_num_associated_companies",
                "hs_num_associated_conversations",
                "hs_num_times_contacted",
                "hs_object_id",
                "hs_object_source",
                "hs_object_source_id",
                "hs_object_source_label",
                "hs_pipeline",
                "hs_ticket_id",
                "hs_v2_date_entered_current_stage",
                "hs_v2_time_in_current_stage",
                "num_notes",
            },
        ),
        (
            "pets",
            {"name": "A"},
            {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"},
        ),
    ],
)
@behaviour("shown-by-create")
def test_shown_by_create(
    world: World, object_type: str, written: dict[str, str], system: set[str]
) -> None:
    """The written values, and those that HubSpot sets itself."""
    world.sim.store.define("pets", ["name"])
    response = world.batch("create", [{"properties": written}], type=object_type)
    (result,) = response.body["results"]

    assert set(result["properties"]) == system | set(written)
    assert result["properties"].items() >= written.items()
    assert result["properties"]["hs_object_id"] == result["id"]
    assert result["archived"] is False


@behaviour("shown-by-create")
def test_shown_by_create_of_a_contact(world: World) -> None:
    """The properties of late 2025, including those derived from the address."""
    inputs = [{"properties": {"email": "lily@hubspot.com", "firstname": "Lily"}}]
    (result,) = world.batch("create", inputs, type="contacts").body["results"]

    assert (
        result["properties"].items()
        >= {
            "hs_all_contact_vids": result["id"],
            "hs_email_domain": "hubspot.com",
            "hs_full_name_or_email": "Lily",
            "hs_is_contact": "true",
            "hs_is_unworked": "true",
            "hs_membership_has_accessed_private_content": "0",
            "hs_pipeline": "contacts-lifecycle-pipeline",
            "lifecyclestage": "lead",
            "num_notes": "0",
        }.items()
    )
    assert "hs_createdate" not in result["properties"]
    assert "lastmodifieddate" in result["properties"]


@behaviour("shown-by-update")
def test_shown_by_update(world: World) -> None:
    """The written values and a few others, not the whole record."""
    ticket = world.ticket(subject="old", content="not shown")
    contact = world.contact(email="a@x.org", lastname="not shown")
    changed = world.batch("update", [{"id": ticket, "properties": {"subject": "new"}}])
    moved = world.batch(
        "update",
        [{"id": contact, "properties": {"email": "a@y.org"}}],
        type="contacts",
    )

    assert set(changed.by_id[ticket]["properties"]) == {
        "createdate",
        "hs_helpdesk_sort_timestamp",
        "hs_is_closed",
        "hs_last_email_activity",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_object_source",
        "hs_object_source_id",
        "hs_object_source_label",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_id",
        "hs_v2_date_entered_current_stage",
        "hs_v2_time_in_current_stage",
        "subject",
    }
    assert set(moved.by_id[contact]["properties"]) == {
        "createdate",
        "email",
        "hs_email_domain",
        "hs_is_unworked",
        "hs_object_id",
        "hs_object_source",
        "hs_object_source_id",
        "hs_object_source_label",
        "hs_pipeline",
        "hs_v2_date_entered_current_stage",
        "hs_v2_time_in_current_stage",
        "lastmodifieddate",
        "lifecyclestage",
    }
    assert moved.by_id[contact]["properties"]["hs_email_domain"] == "y.org"


@behaviour("shown-by-read", "read-unknown-property")
def test_shown_by_read(world: World) -> None:
    """The requested properties; unset ones are null, unknown ones are omitted."""
    ticket = world.ticket(subject="x")
    default = world.batch("read", [{"id": ticket}])
    asked = world.batch("read", [{"id": ticket}], properties=["content", "no_such"])
    always = {"createdate", "hs_lastmodifieddate", "hs_object_id"}

    assert set(default.by_id[ticket]["properties"]) == always | {
        "content",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_category",
        "hs_ticket_priority",
        "subject",
    }
    assert set(asked.by_id[ticket]["properties"]) == always | {"content"}
    assert asked.by_id[ticket]["properties"]["content"] is None


@behaviour("history")
def test_history(world: World) -> None:
    """The latest value first."""
    ticket = world.ticket(subject="one")
    world.clock.at += 1
    world.batch("update", [{"id": ticket, "properties": {"subject": "two"}}])
    response = world.batch(
        "read", [{"id": ticket}], propertiesWithHistory=["subject", "no_such"]
    )

    assert response.by_id[ticket]["propertiesWithHistory"] == {
        "subject": [
            {
                "value": "two",
                "timestamp": "2026-09-14T12:00:01Z",
                "sourceType": "INTEGRATION",
            },
            {
                "value": "one",
                "timestamp": "2026-09-14T12:00:00Z",
                "sourceType": "INTEGRATION",
            },
        ]
    }


@behaviour("archived-records")
def test_archived_records(world: World) -> None:
    """`archived=true` returns archived records only."""
    gone, live = world.ticket(), world.ticket()
    world.batch("archive", [{"id": gone}])
    inputs = [{"id": gone}, {"id": live}]
    response = world.batch("read", inputs, query={"archived": "true"})
    plain = world.batch("read", inputs)

    assert list(response.by_id) == [gone]
    assert response.by_id[gone]["archived"] is True
    assert response.by_id[gone]["archivedAt"] == "2026-09-14T12:00:00Z"
    assert response.body["errors"][0]["context"]["ids"] == [live]
    assert list(plain.by_id) == [live]
    assert plain.body["errors"][0]["context"]["ids"] == [gone]


@behaviour("archived-records")
def test_archived_records_by_unique_value(world: World) -> None:
    """It returns the record archived last, and no live record."""
    first = world.contact(email="a@x.org", hs_additional_emails="b@x.org")
    world.sim.store.archive("contacts", first)
    world.clock.at += 60
    last = world.contact(email="a@x.org")
    world.sim.store.archive("contacts", last)
    world.contact(email="a@x.org")
    inputs = [{"id": item} for item in ("A@x.org", "b@x.org", "c@x.org", first)]
    response = world.batch(
        "read",
        inputs,
        type="contacts",
        idProperty="email",
        query={"archived": "true"},
    )

    assert set(response.by_id) == {first, last}
    assert response.body["errors"][0]["context"]["ids"] == ["c@x.org", first]


@pytest.mark.parametrize("word", ["TRUE", "True"])
@behaviour("archived-records")
def test_archived_in_any_case(world: World, word: str) -> None:
    gone = world.ticket()
    world.sim.store.archive("tickets", gone)
    response = world.batch("read", [{"id": gone}], query={"archived": word})

    assert list(response.by_id) == [gone]


@behaviour("record-url")
def test_url(world: World) -> None:
    ticket = world.ticket()
    response = world.batch("read", [{"id": ticket}])

    assert response.by_id[ticket]["url"] == (
        f"https://app.hubspot.com/contacts/62515/record/0-5/{ticket}"
    )
