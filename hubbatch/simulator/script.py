"""A script of faults in a JSON file, for a simulator that runs as a program.

{"quirks": {"shuffle": false}, "chaos": 0.02,
"faults": [{"kind": "status", "status": 502, "times": 3,
"when": {"verb": "update", "object_type": "tickets", "skip": 10}}]}
"""

from pathlib import Path
from typing import Any

import attrs
import orjson

from hubbatch.simulator.faults import Fault, Faults
from hubbatch.simulator.quirks import Quirks
from hubbatch.simulator.whens import When


KEYS = ("quirks", "chaos", "faults")


class ScriptError(ValueError):
    """A file that a simulator cannot begin with; says where and why."""


def play(path: Path, faults: Faults) -> None:
    """Read a file and arm what it says; a mistake arms nothing."""
    script = load(path)
    try:
        known(script, KEYS, "the file")
        listed = script.get("faults", [])
        if not isinstance(listed, list):
            raise ScriptError("faults: a list is expected")  # noqa: TRY301
        armed = [_fault(each, f"faults[{n}]") for n, each in enumerate(listed)]
        quirks = _made(Quirks, script.get("quirks", {}), "quirks")
        faults.chaos(_rate(script.get("chaos", 0)))
    except ScriptError as error:
        raise ScriptError(f"{path}: {error}") from None
    faults.quirks = quirks
    for fault in armed:
        faults.add(fault)


def load(path: Path) -> Any:
    """Read a file of JSON."""
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise ScriptError(f"{path}: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise ScriptError(f"{path}: line {error.lineno}: {error.msg}") from None


def _rate(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScriptError("chaos: a number is expected")
    if not 0 <= value <= 1:
        raise ScriptError(f"chaos: a rate is between 0 and 1, not {value}")
    return value


def _fault(value: object, where: str) -> Fault:
    if isinstance(value, dict) and "when" in value:
        when = _made(When, value["when"], f"{where}.when")
        value = {**value, "when": when}
    fault: Fault = _made(Fault, value, where)
    return fault


def _made(kind: type[Any], value: object, where: str) -> Any:
    names = [field.name for field in attrs.fields(kind)]
    given = known(value, names, where)
    try:
        return kind(**given)
    except (TypeError, ValueError) as error:
        text = str(error.args[0]) if error.args else str(error)
        raise ScriptError(f"{where}: {text}") from None


def known(value: object, names: Any, where: str) -> dict[str, Any]:
    """Return an object whose keys are all of these names."""
    if not isinstance(value, dict):
        raise ScriptError(f"{where}: an object is expected")
    for name in value:
        if name not in names:
            listed = ", ".join(names)
            raise ScriptError(f"{where}: unknown key {name!r}; known are {listed}")
    return value
