"""One call: the request, who makes it, and what its answer is built from."""

from random import Random
from typing import Any

import attrs

from hubbatch.simulator.api.apps import Apps
from hubbatch.simulator.clocks import Now
from hubbatch.simulator.crm.accounts import Token
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.faults.quirks import Quirks
from hubbatch.simulator.lookup import Route, since_2026_09
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    Request,
    as_json,
    iso,
)


# An answer, and the number of records processed, on which its latency depends.
Result = tuple[Answer, int]


@attrs.frozen
class OpenCall:
    """A call that needs no access token.

    Attributes:
        correlation: The correlation id of the answer.
    """

    apps: Apps
    rng: Random
    request: Request
    route: Route
    quirks: Quirks
    now: Now
    correlation: str


@attrs.frozen
class Call(OpenCall):
    """A call that passed authentication, the check of its scopes and the limits."""

    token: Token

    @property
    def store(self) -> Store:
        """The records of the token's account."""
        return self.token.account.store

    @property
    def shelf(self) -> Shelf:
        """The records of the object type in the path.

        Raises:
            Refusal: If the object type is unknown.
        """
        return self.shelf_of(self.route.object_type)

    @property
    def target(self) -> Shelf:
        """The records of the second object type in the path of associations.

        Raises:
            Refusal: If the object type is unknown.
        """
        return self.shelf_of(self.route.to_type)

    @property
    def enforces_rules(self) -> bool:
        """Whether writes are validated by the rules of the portal."""
        when = self.quirks.write_validation
        return when == "always" or (
            when == "2026-09" and since_2026_09(self.request.path)
        )

    def shelf_of(self, name: str) -> Shelf:
        """Return the records of an object type.

        Raises:
            Refusal: If the object type is unknown.
        """
        shelf = self.store.shelf(name)
        if shelf is None:
            # Recorded without a category (search, 2025).
            raise Refusal(400, f"Unable to infer object type from: {name}")
        return shelf

    def check_permission(self) -> None:
        """Refuse a user who may not edit associations."""
        if not self.token.edits_associations:
            message = "Missing 'Edit Associations' permission."
            raise Refusal(400, message, VALIDATION_ERROR)

    def shuffle(self, results: list[Any]) -> None:
        """Put the results of a batch in another order, as HubSpot does."""
        if self.quirks.shuffle:
            self.rng.shuffle(results)

    def envelope(
        self,
        results: list[dict[str, Any]],
        errors: list[dict[str, Any]],
        *,
        partial: bool,
    ) -> dict[str, Any]:
        """Return the body of a batch; only a partial success has `errors`."""
        started, completed = iso(self.now.ms), iso(self.apps.clock.ms())
        failed = {"errors": errors, "numErrors": len(errors)} if partial else {}
        if self.quirks.key_order == "old":
            return {
                "status": "COMPLETE",
                "results": results,
                **dict(reversed(failed.items())),
                "startedAt": started,
                "completedAt": completed,
            }
        return {
            "completedAt": completed,
            "status": "COMPLETE",
            "startedAt": started,
            "results": results,
            **failed,
        }

    def multi_status(
        self,
        results: list[dict[str, Any]],
        errors: list[dict[str, Any]],
        *,
        success: int = 200,
    ) -> Answer:
        """Return the answer of a batch: 207 if any of its inputs failed."""
        self.shuffle(results)
        body = self.envelope(results, errors, partial=bool(errors))
        return as_json(207 if errors else success, body)
