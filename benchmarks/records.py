"""The inputs of the benchmarks, and HubSpot's answers to them, in realistic sizes.

With twelve properties, a request to update 100 records has 50 KB and its answer 69 KB.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count as counter
from typing import Any

import orjson


NAMES = (
    "subject",
    "content",
    "hs_pipeline",
    "hs_pipeline_stage",
    "hs_ticket_priority",
    "hs_ticket_category",
    "hubspot_owner_id",
    "source_type",
    "closed_date",
    "region_code",
    "contract_number",
    "last_contacted_by",
)
WIDTH = len(NAMES)
UNIQUE = "order_number"  # not one of the properties that are written
_FIRST_ID = 10_000_000_000
# The number of records with distinct values; later records repeat them.
_DISTINCT = 1_000
_CHUNK = 100
_STAMP = "2026-11-23T10:00:00.000Z"


def names(width: int = WIDTH) -> list[str]:
    """Return the names of the first properties."""
    return [*NAMES, *(f"custom_field_{k}" for k in range(WIDTH, width))][:width]


def properties(n: int, width: int = WIDTH) -> dict[str, str]:
    """Return the properties of one record."""
    values = [
        f"Printer {n} on floor {n % 9} does not answer",
        f"Reported by caller {n}, who has tried to turn it off and on again",
        "0",
        str(n % 4 + 1),
        ("LOW", "MEDIUM", "HIGH")[n % 3],
        "PRODUCT_ISSUE",
        str(41_000_000 + n % 50),
        "EMAIL",
        "2026-03-01T00:00:00.000Z",
        f"EU-{n % 27:02d}",
        f"C-{n:08d}",
        "anna.schmidt@example.com",
    ]
    values += [f"value {n * k % 9_973} of a field" for k in range(WIDTH, width)]
    return dict(zip(names(width), values, strict=True))


@cache
def _distinct(width: int) -> list[dict[str, str]]:
    return [properties(n, width) for n in range(_DISTINCT)]


def inputs(
    verb: str, count: int, width: int = WIDTH, *, first: int = 0
) -> Iterator[Any]:
    """Yield the inputs of a batch; the values are made before the first of them."""
    values = _distinct(width)
    for n in range(first, first + count):
        match verb:
            case "read":
                yield str(_FIRST_ID + n)
            case "create":
                yield {"properties": values[n % _DISTINCT]}
            case "upsert":
                yield {"id": f"O-{n:08d}", "properties": values[n % _DISTINCT]}
            case _:
                yield {
                    "id": str(_FIRST_ID + n),
                    "properties": values[n % _DISTINCT],
                }


# ---- answers


_ENVELOPE = (
    b'{"status":"COMPLETE","results":[%b],"startedAt":"2026-11-23T10:00:00.000Z",'
    b'"completedAt":"2026-11-23T10:00:00.100Z"}'
)
_NEW_IDS = counter(50_000_000_000)


@cache
def _results(width: int) -> list[bytes]:
    """Return the results of a chunk as templates."""
    results = []
    for n in range(_CHUNK):
        result = {
            "id": "%(id)s",
            "properties": {
                "createdate": _STAMP,
                **properties(n, width),
                "hs_lastmodifieddate": _STAMP,
                "hs_object_id": "%(id)s",
            },
            "createdAt": f"2025-0{n % 9 + 1}-14T08:3{n % 10}:0{n % 7}.{n:03d}Z",
            "updatedAt": _STAMP,
            "archived": False,
        }
        template = orjson.dumps(result).replace(b"%(id)s", b"%(id)b")
        results.append(template[:-1] + b"%(more)b}")
    return results


def _odd(template: bytes) -> bytes:
    """Turn the value of a property into a number, which HubSpot never returns."""
    priority = b'"hs_ticket_priority":'
    before, _, after = template.partition(priority)
    return before + priority + b"5" + after[after.index(b",") :]


def answer(verb: str, request: dict[str, Any], *, odd: bool = False) -> bytes:
    """Answer a batch of up to 100 inputs as HubSpot does: every record succeeds.

    A result repeats its input's trace id. With `odd`, one of its records does not have
    the usual types.
    """
    asked: Sequence[dict[str, Any]] = request["inputs"]
    width = len(request.get("properties") or asked[0]["properties"])
    templates, results = _results(width), []
    for n, one in enumerate(asked):
        made = verb == "create" or (verb == "upsert" and n % 2 == 0)
        known = str(next(_NEW_IDS)) if verb in {"create", "upsert"} else one["id"]
        more = b""
        if verb == "upsert":
            more += b',"new":true' if made else b',"new":false'
        if trace := one.get("objectWriteTraceId"):
            more += b',"objectWriteTraceId":"%b"' % trace.encode()
        template = _odd(templates[n]) if odd and n == len(asked) // 2 else templates[n]
        results.append(template % {b"id": known.encode(), b"more": more})
    return _ENVELOPE % b",".join(results)
