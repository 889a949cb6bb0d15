"""A pipeline in a process of its own, to be stopped and started again.

    python tests/engines/pipeline.py VERB ROWS

It loads so many contacts, or goes on with those that were left.
"""

import sys

import dlt

from hubbatch.integrations._dlt.tables import WriteVerb
from hubbatch.integrations.dlt import hubspot, hubspot_adapter


def main(verb: WriteVerb, count: int) -> None:
    pipeline = dlt.pipeline("killed", destination=hubspot())
    if pipeline.has_pending_data:
        pipeline.load()
        return
    rows = [{"email": f"p{number}@example.com"} for number in range(count)]
    people = dlt.resource(rows, name="contacts", primary_key="email")
    reconcile_by = "email" if verb == "create" else None
    pipeline.run(hubspot_adapter(people, verb=verb, reconcile_by=reconcile_by))


if __name__ == "__main__":
    given, count = sys.argv[1:]
    main("create" if given == "create" else "upsert", int(count))
