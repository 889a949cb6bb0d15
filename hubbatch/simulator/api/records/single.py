"""Calls on one record: read, create, update, archive, merge and delete for good.

They check what the batches check: a single create is a batch of one without trace ids.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from hubbatch.simulator.api import bodies
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.missing import not_implemented
from hubbatch.simulator.api.parameters import flag
from hubbatch.simulator.api.records import verbs
from hubbatch.simulator.api.records.batches import Batch, id_property_of
from hubbatch.simulator.api.records.parameters import view_of
from hubbatch.simulator.api.records.shown import record_json
from hubbatch.simulator.api.refusals import non_unique, shown_after_update
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.records import Record, Shelf
from hubbatch.simulator.lookup import since_2026_09
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    as_json,
    html_page,
    iso,
)


def answer(call: Call) -> Result:
    """Answer a call on one record, or a create."""
    verb, schema = call.route.verb, call.shelf.type
    if verb not in schema.verbs and not since_2026_09(call.request.path):
        # Assumed: the path exists, with other methods.
        return html_page(405, "Method Not Allowed", "Method Not Allowed"), 0
    return _RUN[verb](call), 1


def _read(call: Call) -> Answer:
    shelf, query = call.shelf, call.request.query
    view = view_of(call)
    name = query.get("idProperty")
    record = _find(shelf, call.route.record_id, name, archived=flag(query, "archived"))
    return not_found() if record is None else as_json(200, view.show(record))


def _find(
    shelf: Shelf, key: str, name: str | None, *, archived: bool = False
) -> Record | None:
    """Return the record with this id, also of a merged one, or this unique value."""
    if name is not None:
        if name not in shelf.type.unique:
            # A live check of 2026: companies by `domain`, which is not unique, are not
            # found. Batches refuse the property instead.
            return None
        if archived:
            return shelf.archived_by(name).get(shelf.key(name, key))
        return shelf.find(key, name)
    _check_id(key)
    if archived:
        record = shelf.records.get(key)
        return record if record is not None and record.archived else None
    return shelf.survivor(key)


def _check_id(key: str) -> None:
    # A live check of 2026, in JSON. Its category is unknown.
    if (key.startswith("-") and key[1:].isdecimal()) or not key.strip("0"):
        raise Refusal(404, "Object not found. objectId is usually positive.")


def not_found() -> Answer:
    """Return the page that HubSpot shows for an unknown record."""
    return html_page(404, "Not Found", "Resource not found")


def _create(call: Call) -> Answer:
    body = bodies.parse_record(call.request.content, "create")
    source = {name: body.get(name) for name in ("properties", "associations")}
    batch = _batch_of_one(call, "create", source)
    if batch.enforces_rules and body.get("associations"):
        call.check_permission()
    verbs.create(batch)
    (created,) = batch.results
    location = f"{call.request.url.rstrip('/')}/{created['id']}"
    status = 200 if call.quirks.status_flip else 201
    return as_json(status, created, {"Location": location})


def _update(call: Call) -> Answer:
    key, name = call.route.record_id, call.request.query.get("idProperty")
    if name is None:
        _check_id(key)
    body = bodies.parse_record(call.request.content, "update")
    if name is not None and name not in call.shelf.type.unique:
        return not_found()
    source = {"id": key, "idProperty": name, "properties": body["properties"]}
    batch = _batch_of_one(call, "update", source)
    verbs.update(batch)
    # Also of a merged record: only reads are documented to resolve its id.
    return as_json(200, batch.results[0]) if batch.results else not_found()


def _batch_of_one(call: Call, verb: str, source: Mapping[str, Any]) -> Batch:
    """Return a batch whose input has no trace id: it is refused as a whole."""
    # Recorded: a single update finds a contact by its e-mail address.
    quirks = attrs.evolve(call.quirks, update_by_email=True, missing_coordinates=False)
    return Batch(
        store=call.store,
        shelf=call.shelf,
        verb=verb,
        body={},
        inputs=[source],
        quirks=quirks,
        rng=call.rng,
        now=call.now.ms,
        enforces_rules=call.enforces_rules,
    )


def _archive(call: Call) -> Answer:
    # Recorded: unknown ids are ignored.
    _check_id(call.route.record_id)
    call.store.archive(call.shelf.type.id, call.route.record_id)
    return Answer(204)


_RUN: Final[Mapping[str, Callable[[Call], Answer]]] = {
    "create": _create,
    "read": _read,
    "update": _update,
    "archive": _archive,
}


# The types that the specification of v3 and 2026-03 merges, besides custom ones; that
# of 2026-09 merges all.
_MERGED: Final = frozenset({"CONTACT", "COMPANY", "DEAL", "TICKET"})


def answer_merge(call: Call) -> Result:
    """Merge two records.

    Documented: by default the surviving record gets a new id, and both old ids lead
    to it. HubSpot's refusals are unknown.
    """
    shelf, store = call.shelf, call.store
    merges = shelf.type.legacy_name in _MERGED or shelf.type.id.startswith("2-")
    if not merges and not since_2026_09(call.request.path):
        return not_found(), 0
    fields = _fields(call, "primaryObjectId", "objectIdToMerge")
    primary, other = str(fields["primaryObjectId"]), str(fields["objectIdToMerge"])
    if primary == other:
        message = f"Object {primary} cannot be merged to itself ({other})"
        raise Refusal(400, message, VALIDATION_ERROR)
    for record_id in (primary, other):
        if shelf.live(record_id) is None:
            message = f"{shelf.type.legacy_name}={record_id} is not valid"
            raise Refusal(404, message, "OBJECT_NOT_FOUND")
    store.merge(shelf.type.id, other, primary)
    record = shelf.records[primary]
    if not call.quirks.primary_id_preservation:
        record = store.renumber(shelf.type.id, primary)
    record.updated = call.now.ms
    record.properties[shelf.type.modified] = iso(call.now.ms)
    properties = shown_after_update(shelf, record, {}, {})
    return as_json(200, record_json(store, shelf, record, properties)), 1


def answer_purge(call: Call) -> Result:
    """Delete a contact for good, as the GDPR demands; unknown ones are ignored."""
    shelf = call.shelf
    if shelf.type.legacy_name != "CONTACT":
        if since_2026_09(call.request.path):
            # The specification has the path for all types, without an explanation.
            return not_implemented(f"gdpr-delete of {shelf.type.plural}"), 0
        # The guide of contacts has it for them only.
        return not_found(), 0
    fields = _fields(call, "objectId")
    key, name = str(fields["objectId"]), id_property_of(fields)
    if name is not None and name not in shelf.type.unique:
        raise non_unique("gdpr-delete", shelf, name, call.store.portal_id)
    record = shelf.records.get(key) if name is None else shelf.find(key, name)
    if record is not None:
        call.store.purge(shelf.type.id, record.id)
    return Answer(204), 1


def _fields(call: Call, *names: str) -> dict[str, Any]:
    body = bodies.parse_json(call.request.content)
    fields = body if isinstance(body, dict) else {}
    missing = [name for name in names if type(fields.get(name)) not in {str, int}]
    if missing:
        raise missing_fields(missing)
    return fields
