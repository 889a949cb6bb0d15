"""The batches of deal splits, which share a deal's amount among owners."""

from typing import Any, Final

from hubbatch.simulator.api.bodies import parse_inputs
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.refusals import not_found
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import VALIDATION_ERROR, iso


ResultsAndErrors = tuple[list[dict[str, Any]], list[dict[str, Any]]]

_TOTAL_PERCENT: Final = 100


def answer(call: Call) -> Result:
    """Answer a batch of deal splits."""
    run = read_splits if call.route.verb == "read" else upsert_splits
    results, errors = run(call.store, call.shelf, call.request.content, call.now.ms)
    return call.multi_status(results, errors), len(results)


def _has_id(item: object) -> bool:
    match item:
        case {"id": str()}:
            return True
        case _:
            return False


def read_splits(
    store: Store, shelf: Shelf, content: bytes, now: int
) -> ResultsAndErrors:
    """Return the splits of deals, possibly none for a deal.

    Raises:
        Refusal: If the body is invalid.
    """
    results, missing = [], []
    inputs = parse_inputs(content)
    if not all(map(_has_id, inputs)):
        raise missing_fields(["id"])
    for item in inputs:
        if shelf.live(item["id"]) is None:
            missing.append(item["id"])
        else:
            results.append(_deal_json(store, item["id"], now))
    return results, [not_found(shelf, missing, [])] if missing else []


def _has_splits(item: object) -> bool:
    match item:
        case {"id": int(), "splits": list(splits)}:
            return all(_is_split(split) for split in splits)
        case _:
            return False


def _is_split(split: object) -> bool:
    match split:
        case {"ownerId": int(), "percentage": int() | float()}:
            return True
        case _:
            return False


def upsert_splits(
    store: Store, shelf: Shelf, content: bytes, now: int
) -> ResultsAndErrors:
    """Replace the splits of deals; the shares of each deal must add up to 100.

    Raises:
        Refusal: If the body is invalid.
    """
    results, missing, errors = [], [], []
    inputs = parse_inputs(content)
    if not all(map(_has_splits, inputs)):
        raise missing_fields(["id", "splits"])
    for item in inputs:
        deal = str(item["id"])
        shares = {split["ownerId"]: split["percentage"] for split in item["splits"]}
        if shelf.live(deal) is None:
            missing.append(deal)
        elif round(sum(shares.values()), 6) != _TOTAL_PERCENT:
            errors.append(_wrong_total(deal))
        else:
            store.splits[deal] = {
                owner: (store.new_id(), share) for owner, share in shares.items()
            }
            results.append(_deal_json(store, deal, now))
    if missing:
        errors.append(not_found(shelf, missing, []))
    return results, errors


def _wrong_total(deal: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": VALIDATION_ERROR,
        "message": f"The percentages of deal {deal} do not make 100",
        "context": {"id": [deal]},
    }


def _deal_json(store: Store, deal: str, now: int) -> dict[str, Any]:
    return {
        "id": deal,
        "splits": [
            {
                "id": split_id,
                "properties": {
                    "hs_deal_split_percentage": str(share),
                    "hubspot_owner_id": str(owner),
                },
                "createdAt": iso(now),
                "updatedAt": iso(now),
                "archived": False,
            }
            for owner, (split_id, share) in store.splits.get(deal, {}).items()
        ],
    }
