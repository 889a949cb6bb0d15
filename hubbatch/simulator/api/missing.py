"""The answer to what the simulator lacks."""

from typing import Final

from hubbatch.simulator.wire import Answer, as_json


NOT_IMPLEMENTED: Final = 501


def not_implemented(what: str) -> Answer:
    """Answer a call that HubSpot may have: unlike HubSpot, so that it is noticed."""
    body = {
        "error": "SIMULATOR_NOT_IMPLEMENTED",
        "category": "SIMULATOR_NOT_IMPLEMENTED",
        "message": f"the simulator does not have {what}",
        "hint": "This is the simulator's answer, not HubSpot's: it does not know "
        "whether HubSpot has this call. Check the method and the path. To test with "
        "an answer of your own, add Fault('status', status=..., body=..., "
        "times=None, when=When(path=...)).",
    }
    return as_json(NOT_IMPLEMENTED, body, {"Server": "hubbatch-simulator"})
