"""What a job does, in words."""

from .options import PAIRS


def title_of(verb: str, object_type: str) -> str:
    """Say what is done to what: `update tickets`, `associate tickets and contacts`."""
    if verb == "list":
        return f"read all {object_type}"
    if not object_type.startswith(PAIRS):
        return f"{verb} {object_type}"
    one, other = object_type.removeprefix(PAIRS).split(".", 1)
    if verb == "read":
        return f"read associations of {one} with {other}"
    if verb in ("archive", "archive_labels"):
        return f"separate {one} and {other}"
    return f"associate {one} and {other}"
