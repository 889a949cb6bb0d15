"""Makes public classes and functions name the module that users import them from."""

import sys

from types import FunctionType


def publish(module: str) -> None:
    """Set `__module__` of a module's re-exports to the module itself.

    Reprs, tracebacks, pickles and `help()` then show `hubbatch.HubBatch`, wherever the
    class is defined. Exports of another public module keep their `__module__`.
    """
    exported = sys.modules[module]
    for name in exported.__all__:
        value = getattr(exported, name)
        if isinstance(value, type | FunctionType) and value.__module__.startswith(
            (f"{module}.", "hubbatch._")
        ):
            value.__module__ = module
