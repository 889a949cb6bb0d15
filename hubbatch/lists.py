"""Lists of records: their members, and the lists that records are on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import TypeAlias, Unpack

from ._near_names import near_name
from ._net.batch import Batch
from ._net.client_state import ClientState
from ._net.record_iterator import RecordIterator
from ._verbs import Face, Options, Verbs
from ._wire.arguments import Id, Inputs
from ._wire.calls import Operation, Query, Verb
from ._wire.codecs.lists import members_query, search_options
from ._wire.endpoints import operation_for
from ._wire.object_types import type_id
from .account_models import ListChange, ListMember, ObjectList
from .errors import ConfigurationError, InvalidRequestError, RecordNotFound
from .models import RecordIdWithMemberships, SimplePublicObject


ListInput: TypeAlias = Id | SimplePublicObject | ListMember | ListChange
"""A record's id, or anything that has it: a record, or a member of another list."""

# What other libraries call the methods of a list.
_OTHER_WORDS: Mapping[str, str] = {
    "append": "add",
    "archive": "remove",
    "create": "add",
    "delete": "remove",
    "enrol": "add",
    "enroll": "add",
    "list": "read",
    "members": "read",
    "records": "read",
}


class ListMemberships(Verbs):
    """Batch verbs for the lists that records of one object type are on.

    HubSpot publishes no maximum number of inputs per call; hubbatch sends 100.
    """

    def __init__(
        self, state: ClientState, object_type: str, *, api_version: str
    ) -> None:
        super().__init__(state, object_type, api_version=api_version)
        # Looked up here to refuse a type without a known id before a verb is called.
        self._operation = operation_for(
            "memberships", "read", type_id(object_type), api_version=api_version
        )

    def read(
        self, ids: Inputs[Id], **options: Unpack[Options]
    ) -> Batch[RecordIdWithMemberships]:
        """Read the lists that each record is on, by record id.

        Example::

            response = await hub.list_memberships("contacts").read(["101"])
            lists = [one.list_id for one in response.results[0].record_list_memberships]

        Args:
            ids: Record ids.
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
        return self._batch(self._operation, ids, options)


class ListRecords(Verbs):
    """Batch verbs for the records on one list.

    HubSpot documents no maximum number of ids per call; hubbatch sends 1,000. Both
    verbs need the scopes `crm.lists.read` and `crm.lists.write`. For a list of contacts
    HubSpot also wants the scope that writes contacts.
    """

    def __init__(
        self, state: ClientState, list_id: str, *, api_version: str, static: set[str]
    ) -> None:
        super().__init__(state, list_id, api_version=api_version)
        # The ids of the lists that are known to be static; shared by those of a client.
        self._static = static

    def add(
        self, ids: Inputs[ListInput], **options: Unpack[Options]
    ) -> Batch[ListChange]:
        """Add records to the list.

        Example::

            response = await hub.lists(581).add(["101", 102])
            added = sum(1 for one in response.results if one.changed)

        A record that is on the list already succeeds, with `changed=False`. An id that
        HubSpot does not know fails with `RecordNotFound`. Adding twice has the effect
        of adding once, so a request whose answer was lost is sent again.

        Before its first change of a list, a client sends one more request, which reads
        the list. If the list is dynamic, so that its filters decide its members, the
        batch ends with `InvalidRequestError`, and nothing is added.

        Args:
            ids: Record ids; also records, or members of another list, for their ids.
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
        return self._change("add", ids, options)

    def remove(
        self, ids: Inputs[ListInput], **options: Unpack[Options]
    ) -> Batch[ListChange]:
        """Remove records from the list. The records themselves stay.

        Example::

            response = await hub.lists(581).remove(["101", 102])
            removed = [one.record_id for one in response.results if one.changed]

        A record that is not on the list succeeds, with `changed=False`. Otherwise it
        works as `add`.

        Args:
            ids: Record ids; also records, or members of another list, for their ids.
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
        return self._change("remove", ids, options)

    def read(self) -> AsyncIterator[ListMember]:
        """Iterate over the records on the list, in the order of their ids.

        Example::

            async for member in hub.lists(581).read():
                print(member.record_id, member.membership_timestamp)

        Each page of 250 members is requested once those of the previous page are
        consumed. For the records themselves, read them by id:
        `hub.contacts.read(m.record_id async for m in hub.lists(581).read())`. Needs
        the scope `crm.lists.read`.

        Raises:
            RuntimeError: If the client is closed.
            APIError: While iterating, if HubSpot refuses a page or is unavailable.
            ListError: While iterating, if a page names itself as the next page.
        """
        self._state.check_open()
        name = f"lists({self._object_types[0]}).read()"
        return RecordIterator(self._walk(self._members), name)

    def _members(self, after: str | None) -> Operation:
        return self._operation("list", parameters=members_query(after))

    def _change(
        self, verb: Verb, ids: Inputs[ListInput], options: Options
    ) -> Batch[ListChange]:
        [list_id] = self._object_types
        complete = None if list_id in self._static else self._checked
        return self._batch(self._operation(verb), ids, options, complete=complete)

    async def _checked(self, operation: Operation) -> Operation:
        """Return the operation, if calls may change the members of the list.

        HubSpot refuses to change those of a dynamic list, but how is not known. Its
        refusal of a call might also be about one of the ids, which hubbatch would then
        look for by sending the ids in ever smaller parts.

        Raises:
            InvalidRequestError: If the list is dynamic or deleted.
        """
        found: ObjectList = await self._ask(self._operation("details"))
        if found.deleted_at is not None:
            raise InvalidRequestError(
                f"list {found.list_id} ({found.name}) was deleted on "
                f"{found.deleted_at:%Y-%m-%d}. Restore it in HubSpot, or use another "
                "list"
            )
        if found.processing_type == "DYNAMIC":
            raise InvalidRequestError(
                f"list {found.list_id} ({found.name}) is dynamic: its filters decide "
                "its members. Use a list whose processing type is MANUAL or SNAPSHOT, "
                "or change the filters in HubSpot"
            )
        self._static.add(self._object_types[0])
        return operation

    def _operation(self, verb: Verb, *, parameters: Query | None = None) -> Operation:
        return operation_for(
            "lists",
            verb,
            *self._object_types,
            api_version=self._api_version,
            parameters=parameters or {},
        )

    def _meant(self, name: str) -> str | None:
        return _OTHER_WORDS.get(name) or super()._meant(name)


class Lists(Face):
    """The lists of an account ("segments"): `hub.lists(list_id)` and `hub.lists.find`.

    `list_id` is a string or an int, or what `find` returned.
    """

    def __init__(self, state: ClientState, *, api_version: str) -> None:
        super().__init__(state, api_version=api_version)
        self._static: set[str] = set()

    def __call__(self, list_id: str | int | ObjectList, /) -> ListRecords:
        """Return the verbs for the records on a list.

        `list_id` is the number in the list's URL ("ILS list id"), or a list that `find`
        returned.

        Raises:
            TypeError: If `list_id` is not a string, an int or an `ObjectList`.
            ValueError: If it is not a number.
        """
        if isinstance(list_id, ObjectList):
            list_id = list_id.list_id
        if isinstance(list_id, bool) or not isinstance(list_id, str | int):
            raise TypeError(f"list_id must be the number of a list, not {list_id!r}.")
        written = str(list_id)
        if not (written.isascii() and written.isdecimal()):
            raise ValueError(
                f"list_id must be the number of a list, not {list_id!r}. For a list's "
                "name, write `hub.lists(await hub.lists.find(name=...))`."
            )
        return ListRecords(
            self._state,
            written,
            api_version=self._api_version,
            static=self._static,
        )

    async def find(self, *, name: str, object_type: str | None = None) -> ObjectList:
        """Return the list with a name.

        Example::

            found = await hub.lists.find(name="Newsletter", object_type="contacts")
            response = await hub.lists(found).add(["101", 102])

        Names are compared without regard to case, unless two lists differ only in that.
        Deleted lists are not found. Needs the scope `crm.lists.read`.

        Args:
            name: The whole name of the list.
            object_type: The type of its records. Lists of different types may have the
                same name.

        Raises:
            TypeError: If `name` or `object_type` is not a string.
            ValueError: If `name` is blank, or the id of the object type is unknown.
                Pass the id of a custom type: `"2-3456"`.
            RecordNotFound: If no list has the name. The message names a similar one.
            ConfigurationError: If several lists have it. The message lists them.
            APIError: If HubSpot refuses the request or is unavailable.
            RuntimeError: If the client is closed.
        """
        if not isinstance(name, str):
            raise TypeError(f"name must be the name of a list, not {name!r}.")
        if not name.strip():
            raise ValueError(f"name must be the name of a list, not {name!r}.")
        wanted = None if object_type is None else type_id(object_type)
        self._state.check_open()
        similar = await self._named_like(name, wanted)
        found = _chosen(name, similar)
        if found is None:
            # HubSpot returns the lists whose names contain the whole of a name, so it
            # takes all of them to find out what a misspelled one means.
            raise _not_found(name, await self._named_like("", wanted))
        return found

    async def _named_like(self, name: str, wanted: str | None) -> list[ObjectList]:
        page_at = partial(self._search, name, wanted)
        return [found async for found in self._walk(page_at)]

    def _search(self, name: str, wanted: str | None, after: str | None) -> Operation:
        return operation_for(
            "list_search",
            "find",
            api_version=self._api_version,
            options=search_options(name, wanted, after),
        )

    def _hint(self, name: str) -> str:
        meant = _OTHER_WORDS.get(name, name)
        if meant in ("add", "remove", "read"):
            return f" Name the list first: `hub.lists(list_id).{meant}(...)`."
        return super()._hint(name)


def _chosen(name: str, similar: list[ObjectList]) -> ObjectList | None:
    """Return the list with a name, if there is one; see `Lists.find`."""
    found = [one for one in similar if one.name == name]
    if not found:
        found = [one for one in similar if str(one.name).lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(
            f"{one.list_id} ({one.object_type_id}, {one.processing_type})"
            for one in found
        )
        raise ConfigurationError(
            f"{len(found)} lists are named {name!r}. Add the object type, or use the "
            f"number of one: {listed}"
        )
    return None


def _not_found(name: str, lists: list[ObjectList]) -> RecordNotFound:
    names = {str(one.name).strip().lower(): str(one.name) for one in lists}
    near = names.get(near_name(name.strip(), names) or "")
    hint = "" if near is None else f"; did you mean {near!r}?"
    return RecordNotFound(
        f"no list is named {name!r}{hint}",
        category="OBJECT_NOT_FOUND",
        origin="hubbatch",
    )
