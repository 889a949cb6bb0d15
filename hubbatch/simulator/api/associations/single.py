"""The associations of one record in v4 and the dated versions."""

from typing import Any, Final

from hubbatch.simulator.api import bodies
from hubbatch.simulator.api.associations.batches import (
    Pairs,
    associate,
    check_permission,
    label,
    linked_records,
    target_json,
)
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.refusals import whole_number
from hubbatch.simulator.crm.links import parse_specs
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json


# "limit": "The maximum number of results to display per page", 500 by default.
_MAX_LIMIT: Final = 500


def answer_list(call: Call) -> Result:
    """Answer with a page of the associated records of one type."""
    pairs = _pairs(call)
    record_id = _live(call.route.record_id, call.shelf, "FROM")
    query = call.request.query
    limit = whole_number("limit", query.get("limit", str(_MAX_LIMIT)))
    start = whole_number("after", query.get("after", "0"))
    if not 0 < limit <= _MAX_LIMIT:
        # HubSpot's text is unknown.
        message = f"Invalid input: limit must be between 1 and {_MAX_LIMIT}"
        raise Refusal(400, message, VALIDATION_ERROR)
    linked = linked_records(pairs, record_id)
    found = [target_json(pairs, *each) for each in linked.items()]
    end = start + limit
    page: dict[str, Any] = {"results": found[start:end]}
    if len(found) > end:
        link = f"{call.request.url}?limit={limit}&after={end}"
        page["paging"] = {"next": {"after": str(end), "link": link}}
    return as_json(200, page), len(page["results"])


def answer_default(call: Call) -> Result:
    """Associate two records without a label."""
    pairs = _pairs(call)
    check_permission(call)
    pairs.results.extend(associate(pairs, *_both(call)))
    return call.multi_status(pairs.results, []), 1


def answer_pair(call: Call) -> Result:
    """Associate two records with labels, or remove their association."""
    pairs, route = _pairs(call), call.route
    check_permission(call)
    if route.verb == "archive":
        # Documented: whether or not they are associated.
        pairs.store.links.unlink(*pairs.ends(route.record_id, route.to_id))
        return Answer(204), 1
    wanted = parse_specs(bodies.parse_json(call.request.content))
    source, target = _both(call)
    known = pairs.store.links.kinds(pairs.source.type.id, pairs.target.type.id)
    for spec in wanted:
        if spec not in known:
            message = f"{spec[0]} associationTypeId={spec[1]} is not valid"
            raise Refusal(400, message, VALIDATION_ERROR)
    return as_json(201, label(pairs, source, target, wanted)), 1


def _pairs(call: Call) -> Pairs:
    v4 = call.route.version is None
    return Pairs(call.store, call.shelf, call.target, [], v4)


def _both(call: Call) -> tuple[str, str]:
    source = _live(call.route.record_id, call.shelf, "FROM")
    target = _live(call.route.to_id, call.target, "TO")
    if source == target and call.shelf is call.target:
        message = f"Object {source} cannot be associated to itself ({target})"
        raise Refusal(400, message, VALIDATION_ERROR)
    return source, target


def _live(record_id: str, shelf: Shelf, side: str) -> str:
    """Return the id of a live record.

    An integration shows the 404 of an unknown target, without its message. The other
    refusals are assumed: they are those of batches.
    """
    if not record_id.isdecimal():
        context = {"context": {"id": [record_id]}}
        fields = {**context, "subCategory": "crm.associations.INVALID_IDENTIFIER"}
        message = f"{record_id} is not a valid ID"
        raise Refusal(400, message, VALIDATION_ERROR, fields)
    if shelf.live(record_id) is None:
        context = {"context": {"objectType": [shelf.type.singular], "id": [record_id]}}
        fields = {
            **context,
            "subCategory": f"crm.associations.{side}_OBJECT_NOT_FOUND",
        }
        message = f"{shelf.type.legacy_name}={record_id} is not valid"
        raise Refusal(404, message, "OBJECT_NOT_FOUND", fields)
    return record_id
