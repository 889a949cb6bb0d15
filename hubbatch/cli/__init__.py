"""The command line. It needs the extra `cli`."""

import sys

import hubbatch_entry


def main() -> None:
    """Run the command line; without its extra, say how to get it."""
    hubbatch_entry.begin()
    try:
        from .commands import hubbatch  # noqa: PLC0415 -- they are an extra
    except ModuleNotFoundError as error:
        if error.name not in ("click", "filelock", "rich"):
            raise
        sys.exit('The command line needs its extra: pip install "hubbatch[cli]"')
    from .streams import install, warn_of_loss  # noqa: PLC0415 -- as above

    install()
    try:
        hubbatch(prog_name="hubbatch")
    finally:
        warn_of_loss()
