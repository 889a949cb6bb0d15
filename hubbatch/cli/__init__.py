"""The command line. It needs the extra `cli`."""

import sys

import hubbatch_entry


# Imported by every command when it runs, or before.
_EXTRA = ("click", "cloup", "rich")


def main() -> None:
    """Run the command line, or explain how to install its dependencies."""
    hubbatch_entry.begin()
    try:
        _run()
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.exit('The command line needs its extra: pip install "hubbatch[cli]"')


def _run() -> None:
    from .commands import hubbatch  # noqa: PLC0415 -- it needs the extra
    from .streams import install, warn_of_loss  # noqa: PLC0415 -- after `begin`

    install()
    try:
        hubbatch(prog_name="hubbatch")
    finally:
        warn_of_loss()
