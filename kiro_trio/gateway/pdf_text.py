"""A program of its own: reads a PDF in base64 on stdin and writes its text on stdout, JSON per page.

A page is a string, or null if it cannot be read; the first line is the number of pages that the file has.
It runs apart from the gateway, with limits that the system enforces, because a PDF is somebody's program: a few kB can
keep a parser busy for hours or make it fill the memory. Its arguments are the most pages and the most megabytes of
memory. Whoever starts it may kill it at any time and keep the lines that have come.

It must not import anything of `kiro_trio`: it is started by its path.
"""

import base64
import io
import json
import logging
import resource
import sys
from contextlib import suppress

UNREADABLE = 3
"""The exit code for a file that is no PDF, or one that nobody can read without its password."""


def main() -> int:
    """Read the PDF; what cannot be read ends the program with `UNREADABLE`."""
    most_pages, megabytes = int(sys.argv[1]), int(sys.argv[2])
    _limit_memory(megabytes * 1024 * 1024)
    import pypdf  # noqa: PLC0415 - under the limits, like all that follows

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it may quote the file
    try:
        reader = pypdf.PdfReader(io.BytesIO(base64.b64decode(sys.stdin.buffer.read())))
        _say(len(reader.pages))
        for index in range(min(most_pages, len(reader.pages))):
            _say(_text(reader, index))
    except Exception:  # noqa: BLE001 - whatever a parser does with what it was given, RecursionError and all
        return UNREADABLE
    return 0


def _text(reader: object, index: int) -> str | None:
    """The text of one page; None if it cannot be read, for the next one may be."""
    with suppress(Exception):
        text: str = reader.pages[index].extract_text()  # type: ignore[attr-defined]
        return text.encode("utf-8", "replace").decode()
    return None


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _limit_memory(size: int) -> None:
    with suppress(ValueError, OSError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


if __name__ == "__main__":
    sys.exit(main())
