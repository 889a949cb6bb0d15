"""The decorators of our classes: those of attrs, without code that is rarely called.

attrs compiles `__repr__`, `__eq__` and `__hash__` for every class, which was a third of
the time that `import hubbatch` added to the imports of its dependencies. Here, all
classes share these three methods. A class that needs a fast one defines it, or imports
the decorators from attrs.
"""

from collections.abc import Callable
from functools import partial
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

import attrs


class _Shared:
    """The methods, which do what those of attrs do."""

    @recursive_repr("...")
    def __repr__(self) -> str:
        shown = (
            f"{field.name}={_show(getattr(self, field.name, attrs.NOTHING), field)}"
            for field in _fields(self)
            if field.repr
        )
        name = type(self).__qualname__.rpartition(">.")[2]
        return f"{name}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(
            getattr(self, field.name) == getattr(other, field.name)
            for field in _fields(self)
            if field.eq
        )

    def __hash__(self) -> int:
        values = (
            getattr(self, field.name)
            for field in _fields(self)
            if (field.eq if field.hash is None else field.hash)
        )
        return hash((type(self), *values))


def _fields(instance: Any) -> "tuple[attrs.Attribute[Any], ...]":
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(type(instance))
    return fields


def _show(value: object, field: "attrs.Attribute[Any]") -> str:
    return field.repr(value) if callable(field.repr) else repr(value)


def _decorate(decorator: Callable[..., Any], cls: Any = None, /, **options: Any) -> Any:
    if cls is None:
        return partial(_decorate, decorator, **options)
    own = vars(cls)
    if "__repr__" not in own:
        cls.__repr__ = _Shared.__repr__
    # A class that is a key for every chunk asks attrs for a hash.
    asks_for_hash = "cache_hash" in options or "unsafe_hash" in options
    if options.get("eq", True) and "__eq__" not in own and not asks_for_hash:
        cls.__eq__ = _Shared.__eq__
        is_frozen = decorator is attrs.frozen
        cls.__hash__ = _Shared.__hash__ if is_frozen else None
    return decorator(cls, **options)


# `immutable` is for values that are made for every chunk. Type checkers refuse any
# assignment to a field; at run time, creating an instance of a frozen class takes six
# times as long (1.2 instead of 0.2 µs for nine fields).
if TYPE_CHECKING:
    from attrs import define, frozen
    from attrs import frozen as immutable
else:
    define = immutable = partial(_decorate, attrs.define)
    frozen = partial(_decorate, attrs.frozen)

__all__ = ["define", "frozen", "immutable"]
