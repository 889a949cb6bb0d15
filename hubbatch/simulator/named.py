"""The association batches of v3: pairs of records, and the name of what they are."""

from collections.abc import Mapping
from typing import Any

from hubbatch.simulator.associations import INPUTS, Pairs, found, none_found
from hubbatch.simulator.bodies import inputs_of
from hubbatch.simulator.links import unset


def parsed(content: bytes, verb: str) -> list[Mapping[str, Any]]:
    """Read the inputs of a call, and refuse too many."""
    inputs = inputs_of(content, INPUTS[verb])
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
                raise unset(["id"] if verb == "read" else ["from", "to", "type"])
    return inputs


def run(pairs: Pairs, verb: str) -> None:
    """Do a call."""
    one, other = pairs.source.type.singular, pairs.target.type.singular
    name, back = f"{one}_to_{other}", f"{other}_to_{one}"
    spec = pairs.store.links.default(pairs.source.type.id, pairs.target.type.id)
    if verb == "read":
        _read(pairs, name)
        return
    for item in pairs.inputs:
        source, target = str(item["from"]["id"]), str(item["to"]["id"])
        if item["type"] != name:
            pairs.error(f"{item['type']} is not a valid association type")
        elif verb == "archive":
            pairs.store.links.unlink(*pairs.ends(source, target))
        elif pairs.valid(source, target):
            pairs.store.links.link(*pairs.ends(source, target), [spec])
            # Recorded: a result for each direction of the one association.
            for near, far, kind in ((source, target, name), (target, source, back)):
                shown = {"from": {"id": near}, "to": {"id": far}, "type": kind}
                pairs.results.append(shown)


def _read(pairs: Pairs, name: str) -> None:
    for record_id in dict.fromkeys(str(item["id"]) for item in pairs.inputs):
        others = found(pairs, record_id)
        if others:
            to = [{"id": other, "type": name} for other in others]
            pairs.results.append({"from": {"id": record_id}, "to": to})
        else:
            none_found(pairs, record_id)
