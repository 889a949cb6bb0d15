"""The verb that sends custom events."""

from __future__ import annotations

from typing import Any, Unpack

from ._net.batch import Batch
from ._verbs import Options, Verbs, zone_of
from ._wire.arguments import Inputs
from ._wire.endpoints import operation_for
from ._write_inputs import EventInput
from .models import Record


class CustomEvents(Verbs):
    """The verb for occurrences of custom events."""

    def send(
        self,
        events: Inputs[EventInput | Record],
        *,
        timezone: str | None = None,
        **options: Unpack[Options],
    ) -> Batch[Any]:
        """Send occurrences of custom events.

        Example::

            event = EventInput("pe62515_printed", {"pages": 3}, email="ada@example.com")
            response = await hub.events.send([event])

        `succeeded` means that HubSpot has accepted the event: its answer is empty, so
        there are no results. It does not say whether the record exists.

        A repeated event counts twice, so an event whose answer was lost is not sent
        again: its outcome is `unknown`. An event with a `uuid` of your own may be sent
        again: HubSpot's specification says that it rejects a `uuid` that it has had
        within a year.

        HubSpot accepts 500 events in each call and 1,250 calls a second, which count
        towards no other limit.

        Args:
            events: `EventInput` objects, dicts in HubSpot's shape (`{"eventName": ...,
                "email": ..., "properties": {...}}`), or flat rows and tables (pandas,
                polars): columns with other names than HubSpot's fields are properties.
            timezone: The IANA zone of datetimes without one, e.g. "Europe/Berlin".
            isolate: Whether to split a chunk that HubSpot refuses as a whole until the
                bad records are found. Default: True.
            max_failures: End the batch with `TooManyFailures` once more records than
                this number, or this share of all records (`"5%"`), are failed or
                unknown. Default: "auto".
            linger: Seconds that a partial chunk waits for more inputs from an async
                source. Default: 0.1.
            progress: Called as `progress(done, total)` at the start, after each chunk
                and at the end. Default: None.
        """
        operation = operation_for(
            "events", "send", api_version=self._api_version, zone=zone_of(timezone)
        )
        return self._batch(operation, events, options)
