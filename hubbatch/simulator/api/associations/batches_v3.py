"""Association batches of v3, which name association types instead of numbering them."""

from collections.abc import Mapping
from typing import Any

from hubbatch.simulator.api.associations.batches import (
    INPUTS,
    Pairs,
    add_none_found,
    answer_pairs,
)
from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.records.parameters import view_of
from hubbatch.simulator.api.records.shown import View, association_page
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.wire import Answer


def answer(call: Call) -> Result:
    """Answer an association batch of v3."""
    source, target, verb = call.shelf, call.target, call.route.verb
    inputs = parse(call.request.content, verb)
    pairs = Pairs(call.store, source, target, inputs, numeric_ids=False)
    if verb == "read":
        _read(pairs, view_of(call))
    else:
        run(pairs, verb)
    if verb == "archive":
        return Answer(204), len(inputs)
    return answer_pairs(call, pairs), len(inputs)


def parse(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Return the inputs of a call.

    Raises:
        Refusal: If the body is invalid or has too many inputs.
    """
    inputs = parse_inputs(content, INPUTS[verb])
    for item in inputs:
        match verb, item:
            case "read", {"id": str() | int()}:
                continue
            case "create" | "archive", {
                "from": {"id": str() | int()},
                "to": {"id": str() | int()},
                "type": str(),
            }:
                continue
            case _:
                raise missing_fields(
                    ["id"] if verb == "read" else ["from", "to", "type"]
                )
    return inputs


def run(pairs: Pairs, verb: str) -> None:
    """Associate or dissociate the inputs one by one."""
    from_type, to_type = pairs.source.type.singular, pairs.target.type.singular
    name, back = f"{from_type}_to_{to_type}", f"{to_type}_to_{from_type}"
    spec = pairs.store.links.default(pairs.source.type.id, pairs.target.type.id)
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        if item["type"] != name:
            pairs.add_error(f"{item['type']} is not a valid association type")
        elif verb == "archive":
            pairs.store.links.unlink(*pairs.ends(source, target))
        elif pairs.validate(source, target):
            pairs.store.links.link(*pairs.ends(source, target), [spec])
            # Recorded: one association yields a result for each direction.
            for near, far, kind in ((source, target, name), (target, source, back)):
                result = {"from": {"id": near}, "to": {"id": far}, "type": kind}
                pairs.results.append(result)


def _read(pairs: Pairs, view: View) -> None:
    for record_id in dict.fromkeys(str(item["id"]) for item in pairs.inputs):
        record = pairs.source.live(record_id)
        page = record and association_page(view, record, pairs.target, "")
        if page and page["results"]:
            # Recorded: the link to further ones leads to the call on a single record.
            more = {"paging": page["paging"]} if "paging" in page else {}
            result = {"from": {"id": record_id}, "to": page["results"], **more}
            pairs.results.append(result)
        else:
            add_none_found(pairs, record_id)
