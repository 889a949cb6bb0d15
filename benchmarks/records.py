"""The records that are written and read, and the answers to them, of real sizes.

A request to update 100 records has about 50 KB, its answer 69 KB.
"""

from collections.abc import Sequence

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
_FIRST_ID = 10_000_000_000
# So many records have values of their own.
_DISTINCT = 1_000
_STAMP = "2026-11-23T10:00:00.000Z"


def properties(n: int) -> dict[str, str]:
    """Make the twelve properties of a record."""
    values = (
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
    )
    return dict(zip(NAMES, values, strict=True))


_PROPERTIES = [properties(n) for n in range(_DISTINCT)]


def ids(count: int) -> list[str]:
    """Give so many ids."""
    return [str(_FIRST_ID + n) for n in range(count)]


def records(count: int) -> list[dict[str, object]]:
    """Make so many records to update."""
    return [
        {"id": text, "properties": _PROPERTIES[n % _DISTINCT]}
        for n, text in enumerate(ids(count))
    ]


def _result(n: int) -> bytes:
    told = {
        "createdate": _STAMP,
        **properties(n),
        "hs_lastmodifieddate": _STAMP,
        "hs_object_id": "%(id)s",
    }
    result = {
        "id": "%(id)s",
        "properties": told,
        "createdAt": f"2025-0{n % 9 + 1}-14T08:3{n % 10}:0{n % 7}.{n:03d}Z",
        "updatedAt": _STAMP,
        "archived": False,
    }
    written = orjson.dumps(result).replace(b"%(id)s", b"%(id)b")
    return written[:-1] + b"%(trace)b}"


_RESULTS = [_result(n) for n in range(_DISTINCT)]
_ENVELOPE = (
    b'{"status":"COMPLETE","results":[%b],"startedAt":"2026-11-23T10:00:00.000Z",'
    b'"completedAt":"2026-11-23T10:00:00.100Z"}'
)


def answer(inputs: Sequence[dict[str, str]]) -> bytes:
    """Answer a batch as HubSpot does: every record succeeds.

    A result repeats the trace id of its input if that has one.
    """
    results = []
    for n, given in enumerate(inputs):
        trace = given.get("objectWriteTraceId")
        told = b"" if trace is None else b',"objectWriteTraceId":"%b"' % trace.encode()
        results.append(_RESULTS[n] % {b"id": given["id"].encode(), b"trace": told})
    return _ENVELOPE % b",".join(results)
