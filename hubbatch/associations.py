"""The verbs for the associations between two object types."""

from __future__ import annotations

from typing import Unpack

from ._net.batch import Batch
from ._verbs import Options, Verbs
from ._wire.arguments import Id, Inputs
from ._wire.calls import Operation, Verb
from ._wire.endpoints import operation_for
from .models import (
    AssociationInput,
    AssociationLimitInput,
    AssociationSpec,
    AssociationSpecWithLabel,
    LabelsBetweenObjectPair,
    PublicAssociation,
    PublicAssociationDefinitionUserConfiguration,
    PublicAssociationMulti,
    PublicAssociationMultiWithLabel,
    PublicDefaultAssociation,
    Record,
)


class Associations(Verbs):
    """Batch verbs for associations from records of one type to records of another.

    Each input names its two records: an `AssociationInput`, HubSpot's own
    `{"from": {"id": ...}, "to": {"id": ...}}`, or a row with the columns `from` and
    `to` (or `from_id` and `to_id`), also of a table. A result is identified by nothing
    but its pair, so two inputs for the same pair are sent one after the other.

    HubSpot accepts 2,000 inputs per call to create, 1,000 to read and 100 to archive
    (its guide "Associations").
    """

    @property
    def limits(self) -> AssociationLimits:
        """The verbs for the limits of these associations."""
        return AssociationLimits(
            self._state, *self._object_types, api_version=self._api_version
        )

    def create(
        self, inputs: Inputs[AssociationInput | Record], **options: Unpack[Options]
    ) -> Batch[LabelsBetweenObjectPair]:
        """Associate records, with the association `types` of each input.

        Example::

            to_primary = [AssociationSpec("HUBSPOT_DEFINED", 1)]
            links = hub.associations("contacts", "companies")
            response = await links.create([AssociationInput("101", "201", to_primary)])

        Args:
            inputs: `AssociationInput` objects, or dicts in HubSpot's shape.
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
        return self._batch(self._operation("create"), inputs, options)

    def create_default(
        self, inputs: Inputs[AssociationInput | Record], **options: Unpack[Options]
    ) -> Batch[PublicDefaultAssociation]:
        """Associate records without a label; leave the `types` of the inputs empty.

        Example::

            pairs = [{"from": {"id": "101"}, "to": {"id": "201"}}]
            links = hub.associations("contacts", "companies")
            response = await links.create_default(pairs)

        Args:
            inputs: Dicts as above, or `AssociationInput` objects.
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
        return self._batch(self._operation("create_default"), inputs, options)

    def read(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[PublicAssociationMultiWithLabel]:
        """Read all associations of each record, page after page.

        Example::

            links = hub.associations("contacts", "companies")
            response = await links.read(["101"])
            companies = [to.to_object_id for to in response.results[0].to]

        The client follows the pages itself, so an input with HubSpot's field `after`
        fails. A record without associations succeeds with an empty `to`, and so does an
        id that does not exist: HubSpot answers both with the same error, which is
        included in `errors` and `num_errors` of the response.

        Args:
            ids: Record ids of the first object type.
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
        return self._batch(self._operation("read"), ids, options)

    def archive(
        self, inputs: Inputs[AssociationInput | Record], **options: Unpack[Options]
    ) -> Batch[LabelsBetweenObjectPair]:
        """Remove all associations of each pair; there are no results.

        Example::

            pairs = [{"from": {"id": "101"}, "to": {"id": "201"}}]
            response = await hub.associations("contacts", "companies").archive(pairs)

        `to` may be a list, as in HubSpot's own inputs. A pair that is not associated
        succeeds too: HubSpot's answer is the same.

        Args:
            inputs: Dicts as above, or `AssociationInput` objects.
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
        return self._batch(self._operation("archive"), inputs, options)

    def archive_labels(
        self, inputs: Inputs[AssociationInput | Record], **options: Unpack[Options]
    ) -> Batch[LabelsBetweenObjectPair]:
        """Remove the `types` of each input from an association; other types stay.

        Example::

            to_primary = [AssociationSpec("HUBSPOT_DEFINED", 1)]
            pairs = [AssociationInput("101", "201", to_primary)]
            links = hub.associations("contacts", "companies")
            response = await links.archive_labels(pairs)

        Args:
            inputs: `AssociationInput` objects, or dicts in HubSpot's shape.
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
        return self._batch(self._operation("archive_labels"), inputs, options)

    async def kinds(self) -> tuple[AssociationSpecWithLabel, ...]:
        """Return the association types available from the first type to the second.

        Example::

            kinds = await hub.associations("contacts", "companies").kinds()
            labels = {kind.label: kind.type_id for kind in kinds}

        The default type has no label; types defined by the account have the category
        `USER_DEFINED`.

        Raises:
            APIError: If HubSpot refuses the request or is unavailable.
            RuntimeError: If the client is closed.
        """
        self._state.check_open()
        operation = operation_for(
            "association_kinds",
            "read",
            *self._object_types,
            api_version=self._api_version,
        )
        return tuple(await self._ask(operation))

    def _operation(self, verb: Verb) -> Operation:
        return operation_for(
            "associations", verb, *self._object_types, api_version=self._api_version
        )


class AssociationLimits(Verbs):
    """Batch verbs for the number of records that a record may be associated with.

    A limit belongs to one association type (a label, for instance) in one direction;
    see `AssociationLimitInput`. An admin may have set a limit below the account's.
    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def create(
        self, inputs: Inputs[AssociationLimitInput | Record], **options: Unpack[Options]
    ) -> Batch[PublicAssociationDefinitionUserConfiguration]:
        """Set the limits of association types that have none.

        Example::

            limits = hub.associations("contacts", "companies").limits
            response = await limits.create(
                [AssociationLimitInput("HUBSPOT_DEFINED", 1, max_to_object_ids=5)]
            )

        Args:
            inputs: `AssociationLimitInput` objects, or dicts in HubSpot's shape.
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
        return self._batch(self._operation("create"), inputs, options)

    def update(
        self, inputs: Inputs[AssociationLimitInput | Record], **options: Unpack[Options]
    ) -> Batch[PublicAssociationDefinitionUserConfiguration]:
        """Change the limits of association types.

        Example::

            limits = hub.associations("contacts", "companies").limits
            response = await limits.update(
                [AssociationLimitInput("HUBSPOT_DEFINED", 1, max_to_object_ids=7)]
            )

        Args:
            inputs: `AssociationLimitInput` objects, or dicts in HubSpot's shape.
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
        return self._batch(self._operation("update"), inputs, options)

    def purge(
        self, inputs: Inputs[AssociationSpec | Record], **options: Unpack[Options]
    ) -> Batch[PublicAssociationDefinitionUserConfiguration]:
        """Remove the limits of association types; there are no results.

        Example::

            kinds = [{"category": "HUBSPOT_DEFINED", "typeId": 1}]
            limits = hub.associations("contacts", "companies").limits
            response = await limits.purge(kinds)

        Args:
            inputs: Dicts as above, or `AssociationSpec` objects.
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
        return self._batch(self._operation("purge"), inputs, options)

    def _operation(self, verb: Verb) -> Operation:
        return operation_for(
            "association_limits",
            verb,
            *self._object_types,
            api_version=self._api_version,
        )


class AssociationsV3(Verbs):
    """Batch verbs for v3 associations, whose association types have names.

    An input is a `PublicAssociation`, or HubSpot's own `{"from": {"id": ...}, "to":
    {"id": ...}, "type": "contact_to_company"}`. They only exist in v3.
    """

    def create(
        self, inputs: Inputs[PublicAssociation | Record], **options: Unpack[Options]
    ) -> Batch[PublicAssociation]:
        """Associate records.

        Example::

            links = hub.associations("contacts", "companies", api_version="v3")
            response = await links.create(
                [PublicAssociation("101", "201", "contact_to_company")]
            )

        Args:
            inputs: `PublicAssociation` objects, or dicts in HubSpot's shape.
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
        return self._batch(self._operation("create"), inputs, options)

    def read(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[PublicAssociationMulti]:
        """Read the associations of each record: the first page of them.

        Example::

            links = hub.associations("contacts", "companies", api_version="v3")
            response = await links.read(["101"])
            companies = [to.id for to in response.results[0].to]

        This API accepts no cursor: a result with `paging` is incomplete. A record
        without associations succeeds with an empty `to`.

        Args:
            ids: Record ids of the first object type.
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
        return self._batch(self._operation("read"), ids, options)

    def archive(
        self, inputs: Inputs[PublicAssociation | Record], **options: Unpack[Options]
    ) -> Batch[PublicAssociation]:
        """Remove associations of the named types; there are no results.

        Example::

            links = hub.associations("contacts", "companies", api_version="v3")
            response = await links.archive(
                [PublicAssociation("101", "201", "contact_to_company")]
            )

        Args:
            inputs: `PublicAssociation` objects, or dicts in HubSpot's shape.
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
        return self._batch(self._operation("archive"), inputs, options)

    def _operation(self, verb: Verb) -> Operation:
        return operation_for("v3_associations", verb, *self._object_types)
