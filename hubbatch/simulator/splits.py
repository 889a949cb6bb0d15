"""How deals are split."""

from typing import Any, Final

from hubbatch.simulator.bodies import inputs_of
from hubbatch.simulator.links import unset
from hubbatch.simulator.rules import VALIDATION_ERROR, not_found
from hubbatch.simulator.shelves import Shelf
from hubbatch.simulator.wire import iso
from hubbatch.simulator.world import Store


Told = tuple[list[dict[str, Any]], list[dict[str, Any]]]

_WHOLE: Final = 100


def _names_a_deal(item: object) -> bool:
    match item:
        case {"id": str()}:
            return True
        case _:
            return False


def read_splits(store: Store, shelf: Shelf, content: bytes, now: int) -> Told:
    """Return how deals are split; one that is not split has none."""
    results, missing = [], []
    inputs = inputs_of(content)
    if not all(map(_names_a_deal, inputs)):
        raise unset(["id"])
    for item in inputs:
        if shelf.live(item["id"]) is None:
            missing.append(item["id"])
        else:
            results.append(_shown(store, item["id"], now))
    return results, [not_found(shelf, missing, [])] if missing else []


def _says_splits(item: object) -> bool:
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


def upsert_splits(store: Store, shelf: Shelf, content: bytes, now: int) -> Told:
    """Say how deals are split; the shares of one make a hundred percent."""
    results, missing, errors = [], [], []
    inputs = inputs_of(content)
    if not all(map(_says_splits, inputs)):
        raise unset(["id", "splits"])
    for item in inputs:
        deal = str(item["id"])
        shares = {split["ownerId"]: split["percentage"] for split in item["splits"]}
        if shelf.live(deal) is None:
            missing.append(deal)
        elif round(sum(shares.values()), 6) != _WHOLE:
            errors.append(_not_whole(deal))
        else:
            store.splits[deal] = {
                owner: (store.new_id(), share) for owner, share in shares.items()
            }
            results.append(_shown(store, deal, now))
    if missing:
        errors.append(not_found(shelf, missing, []))
    return results, errors


def _not_whole(deal: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": VALIDATION_ERROR,
        "message": f"The percentages of deal {deal} do not make 100",
        "context": {"id": [deal]},
    }


def _shown(store: Store, deal: str, now: int) -> dict[str, Any]:
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
