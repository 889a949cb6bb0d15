"""The portal that every client reads, and the contacts that it writes there.

All of it follows from positions and the seed, so that every run is the same.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator import Fault, Simulator, When


CONTACTS: Final = 1_200
COMPANIES: Final = 150
WRITTEN: Final = 300
PAGE: Final = 100

# What the clients ask for. Some contacts have no `lastname`, so that it is null.
PROPERTIES: Final = ("email", "firstname", "jobtitle", "lastname", "lifecyclestage")
_FIRST_NAMES: Final = ("Ada", "Zoë", 'Jo "JJ"', "Anne\nMarie", "李", "a,b;c\\d")
_STAGES: Final = ("subscriber", "lead", "customer")

# Of the contacts to write these are bad, by their position.
_BAD: Final[Mapping[str, range]] = {
    "VALIDATION_ERROR": range(7, WRITTEN, 25),
    "CONFLICT": range(13, WRITTEN, 50),
}

Contacts = dict[str, "Contact"]


@attrs.frozen
class Contact:
    """What a client knows of a contact.

    Attributes:
        properties: Its values of `PROPERTIES`.
        companies: The ids of its companies.
    """

    properties: Mapping[str, str | None]
    companies: frozenset[str] = frozenset()


def fill(sim: Simulator) -> None:
    """Create the contacts and companies; a contact has up to two companies."""
    store = sim.store
    companies = [
        store.create("companies", {"name": f"Company {n}"}).id for n in range(COMPANIES)
    ]
    default = store.links.default("0-1", "0-2")
    for n in range(CONTACTS):
        properties = {
            "email": f"person{n}@example.com",
            "firstname": _FIRST_NAMES[n % len(_FIRST_NAMES)],
            "jobtitle": f"Number {n}",
            "lastname": f"Lovelace {n}" if n % 4 else None,
            "lifecyclestage": _STAGES[n % len(_STAGES)],
        }
        contact = store.create("contacts", properties).id
        for m in range(n % 3):
            company = companies[(n + m) % COMPANIES]
            store.links.link(("0-1", contact), ("0-2", company), [default])


def stored(sim: Simulator) -> Contacts:
    """Return the contacts of the store."""
    return {
        record.id: Contact(
            {name: record.properties.get(name) for name in PROPERTIES},
            frozenset(sim.store.links.linked(("0-1", record.id), "0-2")),
        )
        for record in sim.store.all("contacts")
    }


def contact_of(item: Mapping[str, Any]) -> tuple[str, Contact]:
    """Return the id of a record in HubSpot's JSON, and the contact."""
    companies = (item.get("associations") or {}).get("companies") or {"results": []}
    return item["id"], Contact(
        {name: item["properties"][name] for name in PROPERTIES},
        frozenset(each["id"] for each in companies["results"]),
    )


def contacts_of(items: Iterable[Mapping[str, Any]]) -> Contacts:
    """Return the contacts in HubSpot's JSON; none of them may come twice."""
    pairs = [contact_of(item) for item in items]
    contacts = dict(pairs)
    assert len(pairs) == len(contacts)
    return contacts


def to_write() -> list[dict[str, Any]]:
    """Return the inputs of the creates, with their positions as trace ids."""
    return [
        {
            "objectWriteTraceId": str(n),
            "associations": [],
            "properties": {
                "email": f"person{n}@example.com"
                if n in _BAD["CONFLICT"]
                else f"new{n}@example.com",
                "firstname": _FIRST_NAMES[n % len(_FIRST_NAMES)],
                "jobtitle": f"New {n}",
                "lastname": f"Hopper {n}",
                "lifecyclestage": "no such stage"
                if n in _BAD["VALIDATION_ERROR"]
                else "lead",
            },
        }
        for n in range(WRITTEN)
    ]


def refused() -> dict[str, str]:
    """Return the trace ids of the bad contacts, and the categories of their errors."""
    return {str(n): category for category, bad in _BAD.items() for n in bad}


def good() -> list[dict[str, str]]:
    """Return the properties of the contacts that HubSpot accepts."""
    return [
        item["properties"]
        for item in to_write()
        if item["objectWriteTraceId"] not in refused()
    ]


def chunks(inputs: list[Any]) -> list[list[Any]]:
    return [inputs[n : n + PAGE] for n in range(0, len(inputs), PAGE)]


def check_written(sim: Simulator, before: Contacts) -> None:
    """Check that the good contacts are stored, once each, and nothing else changed."""
    after = stored(sim)
    new = [dict(after[key].properties) for key in after.keys() - before.keys()]
    by_email = sorted(good(), key=_email)
    assert sorted(new, key=_email) == by_email
    assert {key: after[key] for key in before} == before


def _email(properties: Mapping[str, Any]) -> str:
    return str(properties["email"])


def fail_thrice(sim: Simulator, verb: str, *skips: int) -> None:
    """Answer requests with a 429 and a 502, and drop the connection of another.

    Each fault lets as many of its requests pass as the caller says. It does not count
    those that a fault before it struck.
    """
    kinds: list[dict[str, Any]] = [
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 502},
        {"kind": "drop_before"},
    ]
    for fault, skip in zip(kinds, skips, strict=True):
        when = When(verb=verb, object_type="contacts", skip=skip)
        sim.faults.add(Fault(when=when, **fault))


def statuses(sim: Simulator, verb: str) -> list[int | None]:
    """Return the statuses of the requests whose path ends so; None: dropped."""
    return [one.status for one in sim.requests if one.path.endswith(verb)]
