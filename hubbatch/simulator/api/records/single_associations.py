"""The associations of one record in v3, which names association types."""

from typing import Final

import attrs

from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.parameters import number
from hubbatch.simulator.api.records.parameters import view_of
from hubbatch.simulator.api.records.shown import association_page, known, type_name
from hubbatch.simulator.api.records.single import not_found
from hubbatch.simulator.crm.links import Spec
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json


# "limit" of HubSpot's clients, 500 by default; the highest is assumed to be that of v4.
_MAX_LIMIT: Final = 500


def answer(call: Call) -> Result:
    """Answer a call on the associations of one record."""
    source, target = call.shelf, call.target
    record = source.survivor(call.route.record_id)
    if call.route.verb == "list":
        if record is None:
            return not_found(), 0
        view = attrs.evolve(view_of(call), targets=[target])
        after = call.request.query.get("after", "")
        limit = None
        if "limit" in call.request.query:
            limit = number(call.request.query, "limit", _MAX_LIMIT, _MAX_LIMIT)
        return as_json(200, association_page(view, record, target, after, limit)), 1
    spec = _spec(call)
    other = target.live(call.route.to_id)
    links, ends = call.store.links, (source.type.id, call.route.record_id)
    far = (target.type.id, call.route.to_id)
    if call.route.verb == "archive":
        # Assumed, as documented for v4: whether or not they are associated.
        links.unlink(ends, far, [spec])
        return Answer(204), 1
    if record is None or other is None or record is other:
        return not_found(), 0
    links.link((source.type.id, record.id), far, [spec])
    # Recorded: no property but the dates and the id, and the associations of the type.
    names = known(source, (source.type.created, source.type.modified, "hs_object_id"))
    view = attrs.evolve(view_of(call), names=names, targets=[target])
    return as_json(200, view.show(record)), 1


def _spec(call: Call) -> Spec:
    """Return the association type that the path names, or numbers."""
    source, target, name = call.shelf, call.target, call.route.name
    kinds = call.store.links.kinds(source.type.id, target.type.id)
    for spec in kinds:
        if name in {type_name(source, target, spec, kinds), str(spec[1])}:
            return spec
    # HubSpot's text is unknown; this is the one for batches.
    message = f"{name} is not a valid association type"
    raise Refusal(400, message, VALIDATION_ERROR)
