"""Answers to requests that passed authentication and the rate limits."""

from random import Random
from typing import Any, Final

import attrs

from hubbatch.simulator.api import (
    association_limits,
    associations,
    associations_v3,
    batches,
    bodies,
    definitions,
    legacy,
    listing,
    memberships,
    refusals,
    splits,
    verbs,
)
from hubbatch.simulator.api import schemas as schemas_api
from hubbatch.simulator.clocks import Clock, Now
from hubbatch.simulator.crm.accounts import Token, account_info
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.faults.quirks import Quirks
from hubbatch.simulator.routes import Route, since_2026_09
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    Request,
    as_json,
    html_page,
    iso,
)


@attrs.frozen
class Call:
    """A request that passed authentication and the rate limits."""

    clock: Clock
    rng: Random
    token: Token
    request: Request
    quirks: Quirks
    now: Now

    def answer(self, route: Route | None, shelf: Shelf | None) -> tuple[Answer, int]:
        """Return the answer, and the number of records processed."""
        if route is None:
            return html_page(404, "Not Found", "Resource not found"), 0
        if route.method != self.request.method:
            return html_page(405, "Method Not Allowed", "Method Not Allowed"), 0
        if not _is_json(self.request):
            return html_page(415, "Unsupported Media Type", "Unsupported Media Type"), 0
        if route.family == "account":
            return account_info(self.token.account, route.verb, self.now.ms), 0
        if route.family == "memberships":
            store, content = self.token.account.store, self.request.content
            return self._multi_status(*memberships.read_memberships(store, content))
        if route.family == "schemas":
            store, content = self.token.account.store, self.request.content
            schemas = schemas_api.read_schemas(store, content, self.now.ms)
            return as_json(200, schemas), 0
        if shelf is None:
            # Recorded without a category (search, 2025).
            raise Refusal(400, f"Unable to infer object type from: {route.object_type}")
        handlers = {
            "legacy": self._legacy,
            "splits": self._splits,
            "associations": self._associations,
            "associations v3": self._associations,
            "limits": self._limits,
            "properties": self._properties,
            "list": self._list,
        }
        return handlers.get(route.family, self._batch)(route, shelf)

    def _list(self, _: Route, shelf: Shelf) -> tuple[Answer, int]:
        request, store = self.request, self.token.account.store
        body = listing.list_records(store, shelf, request.path, request.query)
        return as_json(200, body), len(body["results"])

    def _splits(self, route: Route, shelf: Shelf) -> tuple[Answer, int]:
        run = _SPLITS[route.verb]
        store, content = self.token.account.store, self.request.content
        return self._multi_status(*run(store, shelf, content, self.now.ms))

    def _legacy(self, route: Route, shelf: Shelf) -> tuple[Answer, int]:
        verb = route.verb
        store, content = self.token.account.store, self.request.content
        if verb == "delete":
            legacy.batch_delete(store, shelf, content)
            return Answer(204), 0
        if verb == "read":
            found = legacy.batch_read(store, shelf, content, self.request.query)
            return as_json(200, found), len(found)
        run = legacy.batch_create if verb == "create" else legacy.batch_update
        shown = run(store, shelf, content, self.now.ms)
        if self.quirks.shuffle and verb == "create":
            self.rng.shuffle(shown)
        return as_json(200, shown), len(shown)

    def _multi_status(
        self, results: list[dict[str, Any]], errors: list[dict[str, Any]]
    ) -> tuple[Answer, int]:
        if self.quirks.shuffle:
            self.rng.shuffle(results)
        body = self._envelope(results, errors, partial=bool(errors))
        return as_json(207 if errors else 200, body), len(results)

    def _batch(self, route: Route, shelf: Shelf) -> tuple[Answer, int]:
        verb = route.verb
        enforces_rules = since_2026_09(self.request.path)
        if verb not in shelf.type.verbs and not enforces_rules:
            return html_page(404, "Not Found", "Resource not found"), 0
        body, inputs = bodies.parse_batch(self.request.content, verb)
        with_history = verb == "read" and bool(body.get("propertiesWithHistory"))
        refusals.check_count(len(inputs), with_history=with_history)
        if enforces_rules and any(item.get("associations") for item in inputs):
            self._check_permission()
        accepted = [] if self.quirks.silent_noop else self._without_dropped(inputs)
        batch = batches.Batch(
            store=self.token.account.store,
            shelf=shelf,
            verb=verb,
            body=body,
            inputs=accepted,
            quirks=self.quirks,
            rng=self.rng,
            now=self.now.ms,
            archived=self.request.query.get("archived", "").lower() == "true",
            enforces_rules=enforces_rules,
        )
        verbs.RUN[verb](batch)
        if self.quirks.shuffle:
            self.rng.shuffle(batch.results)
        if verb == "archive":
            return Answer(204), len(inputs)
        created = (verb == "create") != self.quirks.status_flip
        partial = bool(batch.errors) or batch.has_unreported
        status = 207 if partial else 201 if created else 200
        body = self._envelope(batch.results, batch.errors, partial=partial)
        return as_json(status, body), len(inputs)

    def _target(self, route: Route) -> Shelf:
        target = self.token.account.store.shelf(route.to_type)
        if target is None:
            raise Refusal(400, f"Unable to infer object type from: {route.to_type}")
        return target

    def _limits(self, route: Route, source: Shelf) -> tuple[Answer, int]:
        verb, target = route.verb, self._target(route)
        inputs = association_limits.parse(self.request.content, verb)
        batch = association_limits.Limits(
            self.token.account.store, source, target, inputs
        )
        batch.run(verb)
        if verb == "purge" and route.version is None:
            return Answer(204), len(inputs)
        if self.quirks.shuffle:
            self.rng.shuffle(batch.results)
        status = 207 if batch.errors else 201 if verb == "create" else 200
        body = self._envelope(batch.results, batch.errors, partial=bool(batch.errors))
        return as_json(status, body), len(inputs)

    def _associations(self, route: Route, source: Shelf) -> tuple[Answer, int]:
        store, target = self.token.account.store, self._target(route)
        if route.method == "GET":
            return as_json(200, associations.list_labels(store, source, target)), 0
        v3 = route.family == "associations v3"
        if route.verb != "read" and not v3 and self._needs_permission(route):
            self._check_permission()
        parse = associations_v3.parse if v3 else associations.parse
        inputs = parse(self.request.content, route.verb)
        v4 = route.version is None
        size = self.quirks.associations_page
        pairs = associations.Pairs(store, source, target, inputs, v4 and not v3, size)
        if v3:
            associations_v3.run(pairs, route.verb)
        else:
            associations.RUN[route.verb](pairs)
        if self.quirks.shuffle:
            self.rng.shuffle(pairs.results)
        if route.verb in {"archive", "labels/archive"} and v4:
            return Answer(204), len(inputs)
        created = (route.verb == "create") != self.quirks.status_flip
        status = 207 if pairs.errors else 201 if created else 200
        body = self._envelope(pairs.results, pairs.errors, partial=bool(pairs.errors))
        return as_json(status, body), len(inputs)

    def _needs_permission(self, route: Route) -> bool:
        # Documented for 2026-09, with an example of v4; older dated versions do not
        # check it.
        return route.version is None or since_2026_09(self.request.path)

    def _check_permission(self) -> None:
        """Refuse a user who may not edit associations."""
        if not self.token.edits_associations:
            message = "Missing 'Edit Associations' permission."
            raise Refusal(400, message, VALIDATION_ERROR)

    def _properties(self, route: Route, shelf: Shelf) -> tuple[Answer, int]:
        if route.method == "GET":
            if route.name is None:
                return as_json(200, definitions.list_properties(shelf)), 0
            return as_json(200, definitions.get_property(shelf, route.name)), 0
        inputs = definitions.parse(self.request.content, route.verb)
        batch = definitions.Definitions(self.token.account.store, shelf, inputs)
        batch.run(route.verb)
        if route.verb == "archive":
            return Answer(204), len(inputs)
        status = 207 if batch.errors else 201 if route.verb == "create" else 200
        body = self._envelope(batch.results, batch.errors, partial=bool(batch.errors))
        return as_json(status, body), len(inputs)

    def _without_dropped(self, inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        drop = self.quirks.silent_drop
        if drop is False or not inputs:
            return inputs
        if drop is True:
            dropped = self.rng.choice(inputs)
            return [item for item in inputs if item is not dropped]
        return [item for item in inputs if str(item.get("id")) not in drop]

    def _envelope(
        self,
        results: list[dict[str, Any]],
        errors: list[dict[str, Any]],
        *,
        partial: bool,
    ) -> dict[str, Any]:
        started, completed = iso(self.now.ms), iso(self.clock.ms())
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


_SPLITS: Final = {
    "read": splits.read_splits,
    "upsert": splits.upsert_splits,
}


def _is_json(request: Request) -> bool:
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    return request.method != "POST" or kind.strip().lower() == "application/json"
