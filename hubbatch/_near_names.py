"""Finds the names that were probably meant."""

import re

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any


# What other libraries call the verbs.
OTHER_WORDS: Mapping[str, str] = {
    "add": "create",
    "delete": "archive",
    "fetch": "read",
    "filter": "search",
    "find": "search",
    "get": "read",
    "get_all": "list",
    "insert": "create",
    "patch": "update",
    "query": "search",
    "remove": "archive",
    "retrieve": "read",
}
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def near_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles a name most; None if none does."""
    from difflib import get_close_matches  # noqa: PLC0415 -- rarely needed

    in_snake_case = _HUMP.sub("_", name).lower()
    return next(iter(get_close_matches(in_snake_case, known, n=1, cutoff=0.7)), None)


class NearNames:
    """Base of the classes whose missing attributes are reported with a hint."""

    if not TYPE_CHECKING:  # to a type checker, any name would exist

        def __getattr__(self, name: str) -> Any:
            """Raise an AttributeError that names the attribute that was meant."""
            if hasattr(type(self), name):  # a property whose code raised the error
                return object.__getattribute__(self, name)
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_"):  # what copy, pickle or a notebook look for
                message = f"{message}.{self._hint(name)}"
            raise AttributeError(message, name=name)

    def _meant(self, name: str) -> str | None:
        """Return the public attribute that was probably meant, if any."""
        public = [known for known in dir(self) if not known.startswith("_")]
        word = OTHER_WORDS.get(name)
        return word if word in public else near_name(name, public)

    def _hint(self, name: str) -> str:
        """Return the sentences to append to the message, each after a space."""
        meant = self._meant(name)
        return "" if meant is None else f" Did you mean `{meant}`?"
