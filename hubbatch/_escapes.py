"""Makes untrusted text safe to display: control characters become escapes.

The command line needs it before the client is imported, so `hubbatch_entry` has it.
"""

from hubbatch_entry.escapes import visible


__all__ = ["visible"]
