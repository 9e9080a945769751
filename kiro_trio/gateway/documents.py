"""Documents: the text of PDFs takes their place in a prompt before it is said to Kiro.

A conversation brings the same files in every turn, so their text is remembered; this also keeps the conversation's
earlier part the same from turn to turn. Source: docs/wire.md, "Images and documents".
"""

import json
import os
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import trio

from kiro_trio.conversation.prompt import Block, Document, Prompt, Text, ToolResult, Turn

PDF = "application/pdf"

_PROGRAM = Path(__file__).with_name("pdf_text.py")

# A page of dense print has 6000 characters. This much of one document is what Kiro's own client takes of a text.
_MOST_CHARACTERS = 400_000
_MOST_OUTPUT = 8 * _MOST_CHARACTERS  # JSON writes a character in up to six bytes, or twice as many

_REMEMBERED_CHARACTERS = 16_000_000
_MEGABYTES = 1024
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """How much is read of one PDF: `size` in bytes, and `seconds` for all of it."""

    size: int = 32 * 1024 * 1024
    pages: int = 200
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class _Reading:
    """What came out of a PDF: text by page, and how many `pages` it has. `problem` says why it is not all."""

    texts: tuple[str, ...] = ()
    pages: int = 0
    problem: str = ""

    @property
    def size(self) -> int:
        return sum(map(len, self.texts)) + len(self.problem) + 100


class DocumentReader:
    """Reads PDFs, two at a time, each in a process of its own; cancelling a reading kills it."""

    def __init__(self, limits: DocumentLimits | None = None) -> None:
        self._limits = limits or DocumentLimits()
        self._known: OrderedDict[bytes, _Reading] = OrderedDict()
        self._size = 0
        self._limiter = trio.CapacityLimiter(_AT_ONCE)

    async def read(self, prompt: Prompt) -> Prompt:
        """The prompt with the text of its PDFs in their place, in messages and in results of tools.

        A PDF that cannot be read becomes a note that says why; every PDF is a warning. Nothing is raised for what is in
        a file. A prompt without PDFs comes back as it is.
        """
        found = list(_pdfs(prompt))
        if not found:
            return prompt
        readings: dict[int, Text] = {}
        remarks: list[str] = []
        for document in found:
            reading = await self._reading(document.data)
            readings[id(document)] = _as_text(document, reading)
            remarks.append(f"PDF {reading.problem}" if reading.problem else "PDF read as text")
        warnings = tuple(f"{remark} ({remarks.count(remark)})" for remark in dict.fromkeys(remarks))
        turns = tuple(Turn(turn.role, _replaced(turn, readings)) for turn in prompt.turns)
        return replace(prompt, turns=turns, warnings=(*prompt.warnings, *warnings))

    async def _reading(self, data: str) -> _Reading:
        key = sha256(data.encode("ascii", "replace")).digest()
        known = self._known.get(key)
        if known is not None:
            self._known.move_to_end(key)
            return known
        if len(data) * 3 // 4 > self._limits.size:
            return _Reading(problem="too large to be read")
        async with self._limiter:
            reading = self._known.get(key) or await self._extract(data)
        self._remember(key, reading)
        return reading

    def _remember(self, key: bytes, reading: _Reading) -> None:
        if key not in self._known:
            self._known[key] = reading
            self._size += reading.size
        while self._size > _REMEMBERED_CHARACTERS:
            self._size -= self._known.popitem(last=False)[1].size

    async def _extract(self, data: str) -> _Reading:
        """Run the program over the document; what came before a limit struck is kept."""
        limits, output = self._limits, bytearray()
        command = [sys.executable, "-s", str(_PROGRAM), str(limits.pages), str(_MEGABYTES)]
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
        assert process.stdin is not None  # noqa: S101 - as asked for, but not known to mypy
        assert process.stdout is not None  # noqa: S101
        try:
            with trio.move_on_after(limits.seconds) as overdue:
                await _converse(process.stdin, process.stdout, data.encode("ascii", "replace"), output)
                await process.wait()
        finally:
            process.kill()
            with trio.CancelScope(shield=True):  # a process that is killed is gone in an instant
                await process.stdin.aclose()
                await process.stdout.aclose()
                await process.wait()
        return _understood(bytes(output), limits, in_time=not overdue.cancelled_caught)


async def _converse(
    stdin: trio.abc.SendStream, stdout: trio.abc.ReceiveStream, data: bytes, output: bytearray
) -> None:
    """Send the document and read what comes, up to the end or to more than anybody wants."""

    async def send() -> None:
        with suppress(trio.BrokenResourceError):
            await stdin.send_all(data)
        await stdin.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        while len(output) <= _MOST_OUTPUT and (piece := await stdout.receive_some()):
            output += piece
        nursery.cancel_scope.cancel(reason="all is read")


def _environment() -> dict[str, str]:
    """Nothing of ours, for the parser of a stranger's file; only where Python finds its packages."""
    return {name: os.environ[name] for name in ("PYTHONPATH", "PYTHONHOME") if name in os.environ}


def _understood(output: bytes, limits: DocumentLimits, *, in_time: bool) -> _Reading:
    """What the program said, as far as its lines are whole."""
    lines = [json.loads(line) for line in output.split(b"\n")[:-1]]
    pages, texts = (lines[0], lines[1:]) if lines else (0, [])
    if any(text and text.strip() for text in texts):
        return _Reading(tuple(_fitting(texts)), pages)
    if not in_time and len(texts) < max(1, min(pages, limits.pages)):
        return _Reading(pages=pages, problem="that took too long to read")
    unreadable = not texts or None in texts
    return _Reading(pages=pages, problem="that could not be read" if unreadable else "without text")


def _fitting(texts: Iterable[str | None]) -> Iterator[str]:
    room = _MOST_CHARACTERS
    for text in texts:
        if room:
            yield (text or "")[:room]
            room = max(0, room - len(text or ""))


def _as_text(document: Document, reading: _Reading) -> Text:
    """The document as text under its title, or a note in its place."""
    title = f' title="{document.name.replace(chr(34), chr(39))}"' if document.name else ""
    if reading.problem:
        hint = " (perhaps it is a scan)" if reading.problem == "without text" else ""
        return Text(f"[Here stood a PDF{title} {reading.problem}{hint}. Tell the user if it matters.]")
    pages = [
        f"[page {number}]\n{text.strip()}" for number, text in enumerate(reading.texts, 1) if text.strip()
    ]
    if len(reading.texts) < reading.pages:
        pages.append(f"[The other pages, up to page {reading.pages}, could not be passed on.]")
    return Text("\n".join((f"<document{title}>", *pages, "</document>")))


def _pdfs(prompt: Prompt) -> Iterable[Document]:
    for turn in prompt.turns:
        for block in turn.blocks:
            for part in block.content if isinstance(block, ToolResult) else (block,):
                if isinstance(part, Document) and part.media_type.lower() == PDF:
                    yield part


def _replaced(turn: Turn, readings: dict[int, Text]) -> tuple[Block, ...]:
    return tuple(
        ToolResult(
            block.tool_use_id, tuple(readings.get(id(part), part) for part in block.content), block.is_error
        )
        if isinstance(block, ToolResult)
        else readings.get(id(block), block)
        for block in turn.blocks
    )
