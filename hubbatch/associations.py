"""The verbs of the associations between two object types."""

from collections.abc import AsyncIterable, Iterable
from typing import Unpack

from .core.arguments import check_object_type
from .core.calls import Operation, Verb
from .core.operations import look_up
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
from .net.batch import Batch
from .net.engine import Engine
from .net.verbs import Options, ask, call, takes_options
from .objects import Ids


Pairs = Iterable[AssociationInput | Record] | AsyncIterable[AssociationInput | Record]
NamedPairs = (
    Iterable[PublicAssociation | Record] | AsyncIterable[PublicAssociation | Record]
)
LimitInputs = (
    Iterable[AssociationLimitInput | Record]
    | AsyncIterable[AssociationLimitInput | Record]
)
Specs = Iterable[AssociationSpec | Record] | AsyncIterable[AssociationSpec | Record]


class Associations:
    """Batch calls on the associations from records of one type to those of another.

    An input names its two records: an `AssociationInput`, or HubSpot's own
    `{"from": {"id": ...}, "to": {"id": ...}}`. Results have nothing else to be told
    by, so two inputs for one pair are sent one after the other. Every verb takes the
    keywords of `hubbatch.Options` too, and gives a `Batch`; see `Objects`.

    Up to 2,000 inputs a call to create, 1,000 to read, 100 to archive.
    """

    def __init__(
        self, engine: Engine, source: str, target: str, *, api_version: str
    ) -> None:
        self._engine = engine
        self._source = check_object_type(source)
        self._target = check_object_type(target)
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"<Associations {self._source!r} to {self._target!r}>"

    @property
    def limits(self) -> "AssociationLimits":
        """The verbs of the limits that these associations have."""
        return AssociationLimits(
            self._engine, self._source, self._target, api_version=self._api_version
        )

    @takes_options
    def create(
        self, inputs: Pairs, **options: Unpack[Options]
    ) -> Batch[LabelsBetweenObjectPair]:
        """Associate records, as what the `types` of each input say.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("create"), inputs, options)

    @takes_options
    def create_default(
        self, inputs: Pairs, **options: Unpack[Options]
    ) -> Batch[PublicDefaultAssociation]:
        """Associate records without a label; the inputs have no types.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("create_default"), inputs, options)

    @takes_options
    def read(
        self, ids: Ids, **options: Unpack[Options]
    ) -> Batch[PublicAssociationMultiWithLabel]:
        """Read all the associations of records, page by page to the end.

        The cursors are kept here: an input with HubSpot's own field `after` has failed.
        A record that has none succeeds with an empty `to`. HubSpot counts it as an
        error, and so do the response's `errors` and `num_errors`; it answers the same
        for a record that is not there.

        Raises:
            TypeError: if `ids` is no collection of ids.
        """
        return call(self._engine, self._operation("read"), ids, options)

    @takes_options
    def archive(
        self, inputs: Pairs, **options: Unpack[Options]
    ) -> Batch[LabelsBetweenObjectPair]:
        """Take associations apart, whatever they are of; there are no results.

        `to` may also be a list, as HubSpot's own inputs have it. HubSpot answers the
        same for a pair that is not associated.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("archive"), inputs, options)

    @takes_options
    def archive_labels(
        self, inputs: Pairs, **options: Unpack[Options]
    ) -> Batch[LabelsBetweenObjectPair]:
        """Take the `types` of each input off an association, and leave the others.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("archive_labels"), inputs, options)

    async def kinds(self) -> tuple[AssociationSpecWithLabel, ...]:
        """Ask as what records of the two types can be associated, in this direction.

        The kind without a label is the usual one; those of the account itself have
        the category `USER_DEFINED`.

        Raises:
            APIError: if HubSpot refuses to answer, or cannot.
            RuntimeError: if the client is closed.
        """
        self._engine.check_open()
        operation = look_up(
            "association_kinds",
            "read",
            self._source,
            self._target,
            api_version=self._api_version,
        )
        return tuple(await ask(self._engine, operation))

    def _operation(self, verb: Verb) -> Operation:
        return look_up(
            "associations",
            verb,
            self._source,
            self._target,
            api_version=self._api_version,
        )


class AssociationLimits:
    """Batch calls on how many records one record may be associated with.

    A limit belongs to an association type, a label for instance, in one direction; see
    `AssociationLimitInput`. An admin may set a lower one than the account's own.
    HubSpot does not say how many inputs it takes a call; 100 are sent.
    """

    def __init__(
        self, engine: Engine, source: str, target: str, *, api_version: str
    ) -> None:
        self._engine = engine
        self._source = check_object_type(source)
        self._target = check_object_type(target)
        self._api_version = api_version

    def __repr__(self) -> str:
        return f"<AssociationLimits {self._source!r} to {self._target!r}>"

    @takes_options
    def create(
        self, inputs: LimitInputs, **options: Unpack[Options]
    ) -> Batch[PublicAssociationDefinitionUserConfiguration]:
        """Give association types a limit that have none.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("create"), inputs, options)

    @takes_options
    def update(
        self, inputs: LimitInputs, **options: Unpack[Options]
    ) -> Batch[PublicAssociationDefinitionUserConfiguration]:
        """Change the limits of association types.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("update"), inputs, options)

    @takes_options
    def purge(
        self, inputs: Specs, **options: Unpack[Options]
    ) -> Batch[PublicAssociationDefinitionUserConfiguration]:
        """Take the limits off association types; there are no results.

        An input is an `AssociationSpec`, or HubSpot's own `{"category": ...,
        "typeId": ...}`.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("purge"), inputs, options)

    def _operation(self, verb: Verb) -> Operation:
        return look_up(
            "association_limits",
            verb,
            self._source,
            self._target,
            api_version=self._api_version,
        )


class AssociationsV3:
    """Batch calls of the v3 associations, whose types have names.

    An input is a `PublicAssociation`, or HubSpot's own `{"from": {"id": ...}, "to":
    {"id": ...}, "type": "contact_to_company"}`. There are no dated versions of them.
    """

    def __init__(self, engine: Engine, source: str, target: str) -> None:
        self._engine = engine
        self._source = check_object_type(source)
        self._target = check_object_type(target)

    def __repr__(self) -> str:
        return f"<AssociationsV3 {self._source!r} to {self._target!r}>"

    @takes_options
    def create(
        self, inputs: NamedPairs, **options: Unpack[Options]
    ) -> Batch[PublicAssociation]:
        """Associate records.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("create"), inputs, options)

    @takes_options
    def read(
        self, ids: Ids, **options: Unpack[Options]
    ) -> Batch[PublicAssociationMulti]:
        """Read the associations of records.

        This batch API cannot be asked for further pages: a result with a `paging` is
        not all. A record that has none succeeds with an empty `to`.

        Raises:
            TypeError: if `ids` is no collection of ids.
        """
        return call(self._engine, self._operation("read"), ids, options)

    @takes_options
    def archive(
        self, inputs: NamedPairs, **options: Unpack[Options]
    ) -> Batch[PublicAssociation]:
        """Take associations of the named types apart; there are no results.

        Raises:
            TypeError: if `inputs` is no collection of inputs.
        """
        return call(self._engine, self._operation("archive"), inputs, options)

    def _operation(self, verb: Verb) -> Operation:
        return look_up("v3_associations", verb, self._source, self._target)
