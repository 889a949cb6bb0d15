"""The batch read of list memberships."""

from typing import Any

from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.lists.members import membership_json
from hubbatch.simulator.api.refusals import not_found
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import Refusal


ResultsAndErrors = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def answer(call: Call) -> Result:
    """Answer a batch of records with their lists."""
    results, errors = read_memberships(call.store, call.request.content)
    return call.multi_status(results, errors), len(results)


def _is_record_reference(item: object) -> bool:
    match item:
        case {"objectTypeId": str(), "recordId": str()}:
            return True
        case _:
            return False


def read_memberships(store: Store, content: bytes) -> ResultsAndErrors:
    """Return the lists of each record, and an error for each unknown record.

    Raises:
        Refusal: If the body is invalid or names an unknown object type.
    """
    results, errors = [], []
    inputs = parse_inputs(content)
    if not all(map(_is_record_reference, inputs)):
        raise missing_fields(["objectTypeId", "recordId"])
    for item in inputs:
        type_id, record_id = item["objectTypeId"], item["recordId"]
        shelf = store.shelf(type_id)
        if shelf is None or shelf.type.id != type_id:
            raise Refusal(400, f"Unable to infer object type from: {type_id}")
        if shelf.live(record_id) is None:
            errors.append(not_found(shelf, [record_id], []))
            continue
        results.append(
            {
                "objectTypeId": type_id,
                "recordId": record_id,
                "recordListMemberships": [
                    membership_json(list_id, added)
                    for list_id, added in store.lists.of(type_id, record_id).items()
                ],
            }
        )
    return results, errors
