"""One-line titles of jobs."""

from .options import LISTS, PAIRS


def title_of(verb: str, object_type: str) -> str:
    """Return a job's title: `update tickets`, `associate tickets and contacts`."""
    if verb == "list":
        return f"read all {object_type}"
    if verb == "search":
        return f"read matching {object_type}"
    if object_type.startswith(LISTS):
        where = "to" if verb == "add" else "from"
        return f"{verb} {where} list {object_type.removeprefix(LISTS)}"
    if verb == "gdpr_delete":
        return f"delete {object_type} for good"
    if not object_type.startswith(PAIRS):
        return f"{verb} {object_type}"
    source, target = object_type.removeprefix(PAIRS).split(".", 1)
    if verb == "read":
        return f"read associations of {source} with {target}"
    if verb in ("archive", "archive_labels"):
        return f"separate {source} and {target}"
    return f"associate {source} and {target}"
