"""The command line. It needs the extra `cli`."""

import sys


def main() -> None:
    """Run the command line; without its extra, say how to get it."""
    try:
        from .commands import hubbatch  # noqa: PLC0415 -- they are an extra
    except ModuleNotFoundError as error:
        if error.name not in ("click", "filelock", "rich"):
            raise
        sys.exit('The command line needs its extra: pip install "hubbatch[cli]"')
    hubbatch(prog_name="hubbatch")
