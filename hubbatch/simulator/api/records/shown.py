"""How records are shown: their properties, history and associations."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, unquote

import attrs

from hubbatch.simulator.api.refusals import invalid
from hubbatch.simulator.crm.links import HUBSPOT, Kind, Spec
from hubbatch.simulator.crm.records import Record, Shelf, as_string
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import iso


RECORD_ID: Final = "hs_object_id"
_PRIMARY: Final = "Primary"
_APP: Final = "https://app.hubspot.com"


def names_of(
    shelf: Shelf, listed: Iterable[object], history: Sequence[str]
) -> list[str]:
    """Return the properties to show: the requested ones, or the type's default.

    Names that the type does not have are ignored. Recorded: properties requested with
    their history are shown too, and instead of the default.
    """
    schema = shelf.type
    requested = [*map(as_string, listed), *history] or schema.read_by_default
    always = (RECORD_ID, schema.created, schema.modified)
    return known(shelf, (*requested, *always))


def known(shelf: Shelf, names: Iterable[object]) -> list[str]:
    """Return the names of properties that the type has, in alphabetical order."""
    return sorted({as_string(name) for name in names} & shelf.type.properties.keys())


def record_json(
    store: Store,
    shelf: Shelf,
    record: Record,
    properties: Mapping[str, str | None],
    history: Sequence[str] = (),
) -> dict[str, Any]:
    """Return a record with some of its properties, and the history of some."""
    shown = {"propertiesWithHistory": history_json(record, history)} if history else {}
    body: dict[str, Any] = {
        "id": record.id,
        "properties": properties,
        **shown,
        "createdAt": iso(record.created),
        "updatedAt": iso(record.updated),
        "archived": record.archived_on is not None,
        "url": _APP + _page(store.portal_id, shelf.type.plural, shelf.type.id, record),
    }
    if record.archived_on is not None:
        body["archivedAt"] = iso(record.archived_on)
    return body


def _page(portal_id: int, plural: str, type_id: str, record: Record) -> str:
    """Return the path of a record's page; engagements have others, as recorded."""
    if plural == "tasks":
        return f"/tasks/{portal_id}/view/all/task/{record.id}"
    if plural == "notes":
        found = f'[{{"property":"hs_object_id","operator":"EQ","value":"{record.id}"}}]'
        view = f"/contacts/{portal_id}/objects/{type_id}/views/all/list"
        return f"{view}?filters={quote(found, safe='')}"
    return f"/contacts/{portal_id}/record/{type_id}/{record.id}"


def history_json(record: Record, names: Iterable[str]) -> dict[str, Any]:
    """Return the latest values of properties."""
    return {
        name: [
            {"value": value, "timestamp": iso(at), "sourceType": "INTEGRATION"}
            for at, value in record.history(name)
        ]
        for name in names
    }


@attrs.frozen
class View:
    """What to show of each record.

    Attributes:
        names: The properties.
        history: The properties to show with their history.
        targets: The types of associated records.
        page: The number of associated records per type.
        base: The URL of the object type, for the links to further associated records.
    """

    store: Store
    shelf: Shelf
    names: Sequence[str]
    history: Sequence[str]
    targets: Sequence[Shelf]
    page: int
    base: str

    def show(self, record: Record) -> dict[str, Any]:
        """Return a record as the view shows it."""
        values = record.properties
        shown = {name: values.get(name) for name in self.names}
        body = record_json(self.store, self.shelf, record, shown, self.history)
        associations = {}
        for target in self.targets:
            page = association_page(self, record, target, "")
            if page["results"]:
                associations[_target_name(self.store, target)] = page
        if associations:
            # Recorded: a record without associations lacks the key.
            body["associations"] = associations
        return body


def association_page(
    view: View, record: Record, target: Shelf, after: str, limit: int | None = None
) -> dict[str, Any]:
    """Return a page of the associated records of one type.

    A record is listed once for each of its association types. Recorded: the cursor is
    in base64 and percent-encoded. It contains the last association type and id.
    Without a limit, the page has as many as the view says, and its link has none.

    Raises:
        Refusal: If the cursor is invalid.
    """
    key = (view.shelf.type.id, record.id)
    kinds = view.store.links.kinds(view.shelf.type.id, target.type.id)
    linked = view.store.links.linked(key, target.type.id)
    found = sorted(
        (spec[1], int(other), spec)
        for other, specs in linked.items()
        if target.live(other) is not None
        for spec in specs
    )
    start = _position(after) if after else (-1, -1)
    rest = [item for item in found if item[:2] > start]
    names = {spec: type_name(view.shelf, target, spec, kinds) for _, _, spec in rest}
    size = view.page if limit is None else min(limit, view.page)
    shown = rest[:size]
    page: dict[str, Any] = {
        "results": [{"id": str(other), "type": names[spec]} for _, other, spec in shown]
    }
    if len(rest) > size:
        number, other, _ = shown[-1]
        cursor = quote(b64encode(f"0-{number}-{other}".encode()).decode())
        url = f"{view.base}/{record.id}/associations/{target.type.id}"
        limited = "" if limit is None else f"&limit={limit}"
        link = f"{url}?portalId={view.store.portal_id}{limited}&after={cursor}"
        page["paging"] = {"next": {"after": cursor, "link": link}}
    return page


def _position(after: str) -> tuple[int, int]:
    try:
        _, number, other = b64decode(unquote(after), validate=True).split(b"-")
        return int(number), int(other)
    except ValueError:  # also of too many digits
        raise invalid("after", after) from None


def type_name(
    source: Shelf, target: Shelf, spec: Spec, kinds: Mapping[Spec, Kind]
) -> str:
    """Return the name of an association type.

    Where a type "Primary" exists, it has the plain name, as integrations show. The
    names of labels are assumed.
    """
    label = kinds[spec].label
    if kinds[spec].name is not None:
        return str(kinds[spec].name)
    plain = f"{_word(source)}_to_{_word(target)}"
    if spec[0] != HUBSPOT and label is not None:
        return label.lower().replace(" ", "_")
    has_primary = any(kind.label == _PRIMARY for kind in kinds.values())
    return f"{plain}_unlabeled" if has_primary and label is None else plain


def _word(shelf: Shelf) -> str:
    # Recorded: "meeting_event_to_contact".
    word = shelf.type.singular.replace(" ", "_")
    return "meeting_event" if word == "meeting" else word


def _target_name(store: Store, target: Shelf) -> str:
    # Integrations read "line items", with a space; custom types are assumed.
    if target.type.id.startswith("2-"):
        return f"p{store.portal_id}_{target.type.singular}"
    return target.type.plural.replace("_", " ")
