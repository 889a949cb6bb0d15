"""Faults from a JSON file, for a simulator that runs as a program.

{"quirks": {"shuffle": false}, "chaos": 0.02,
"faults": [{"kind": "status", "status": 502, "times": 3,
"when": {"verb": "update", "object_type": "tickets", "skip": 10}}]}
"""

from pathlib import Path
from typing import Any

import attrs

from hubbatch.simulator.faults.conditions import When
from hubbatch.simulator.faults.faults import Fault, Faults
from hubbatch.simulator.faults.quirks import Quirks
from hubbatch.simulator.json_text import InvalidJSON, decode


KEYS = ("quirks", "chaos", "faults")


class ScriptError(ValueError):
    """A file of faults or initial state is invalid; the message says where and why."""


def load_faults(path: Path, faults: Faults) -> None:
    """Arm the faults in a file, and set its chaos and quirks.

    Raises:
        ScriptError: If the file is invalid; then nothing has changed.
    """
    script = load(path)
    try:
        check_object(script, KEYS, "the file")
        items = script.get("faults", [])
        if not isinstance(items, list):
            raise ScriptError("faults: expected a list")  # noqa: TRY301
        scripted = [_fault(item, f"faults[{n}]") for n, item in enumerate(items)]
        quirks = _build(Quirks, script.get("quirks", {}), "quirks")
        faults.chaos(_rate(script.get("chaos", 0)))
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from None
    faults.quirks = quirks
    for fault in scripted:
        faults.add(fault)


def load(path: Path) -> Any:
    """Return the decoded JSON of a file.

    Raises:
        ScriptError: If the file cannot be read or is not JSON.
    """
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise ScriptError(f"{path}: {error.strerror}") from None
    except InvalidJSON as error:
        raise ScriptError(f"{path}: line {error.line}: {error.reason}") from None


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScriptError(f"chaos: expected a number, got {value!r}")
    if not 0 <= value <= 1:
        raise ScriptError(f"chaos: expected a rate between 0 and 1, got {value}")
    return value


def _fault(value: object, where: str) -> Fault:
    if isinstance(value, dict) and "when" in value:
        when = _build(When, value["when"], f"{where}.when")
        value = {**value, "when": when}
    fault: Fault = _build(Fault, value, where)
    return fault


def _build(cls: type[Any], value: object, where: str) -> Any:
    names = [field.name for field in attrs.fields(cls)]
    options = check_object(value, names, where)
    try:
        return cls(**options)
    except (TypeError, ValueError) as error:
        # attrs passes the field and the validator as additional arguments.
        message = str(error.args[0]) if error.args else str(error)
        raise ScriptError(f"{where}: {message}") from None


def check_object(value: object, names: Any, where: str) -> dict[str, Any]:
    """Return a JSON object whose keys are all known.

    Raises:
        ScriptError: If it is not an object or has an unknown key.
    """
    if not isinstance(value, dict):
        raise ScriptError(f"{where}: expected an object")
    for name in value:
        if name not in names:
            known = ", ".join(names)
            raise ScriptError(f"{where}: unknown key {name!r}; known keys: {known}")
    return value
