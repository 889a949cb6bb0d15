"""Makes untrusted text safe to display: control characters become escapes."""

import re


# Characters that move the cursor, start a terminal sequence, reorder or hide other
# text, break a line, or cannot be encoded. Spaces of any width, letters of any script,
# variation selectors (emoji) and the few format characters with a glyph are safe.
_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # invisible
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # no width, lines, bidi
    "\ud800-\udfff"  # half a character, which no encoding can represent
    "\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"  # format controls, tags
    "]"
)


def visible(text: str, *, keep: str = "") -> str:
    r"""Return text with its control and invisible characters as escapes: `\x1b`.

    Use it for all displayed text that comes from HubSpot, a file or the caller. Escapes
    are Python's. They cannot be reversed, because backslashes in the text are not
    escaped.

    Args:
        text: Any string, including one with lone surrogates.
        keep: Characters to keep, e.g. `"\n"` for text of several lines.
    """
    return _UNSAFE.sub(lambda found: _escaped(found.group(), keep), text)


def _escaped(character: str, keep: str) -> str:
    if character in keep:
        return character
    return character.encode("unicode_escape").decode("ascii")
