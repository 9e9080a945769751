"""Images and documents: what Kiro takes as such, and the notes that stand in for the rest.

Source: docs/wire.md, "Images and documents".
"""

import re
import string
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from kiro_trio.conversation.prompt import Block, Document, Image, Text, ToolResult, Turn
from kiro_trio.kiro.limits import PromptRefused
from kiro_trio.kiro.options import RequestOptions, Unsupported
from kiro_trio.kiro.tally import Tally

IMAGE_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "image/png": "png",
        "image/jpeg": "jpeg",
        "image/jpg": "jpeg",
        "image/gif": "gif",
        "image/webp": "webp",
    }
)

# How each kind of image begins, in base64. Clients that go by file names are often wrong, and Kiro looks; an image that it
# refuses would stay in the history and spoil every request to come.
_BEGINNINGS: Mapping[str, str] = MappingProxyType(
    {"iVBORw0KGgo": "png", "/9j/": "jpeg", "R0lGOD": "gif", "UklGR": "webp"}
)

_KINDS = "PNG, JPEG, GIF or WebP"
_ALPHABET = (string.ascii_letters + string.digits + "+/").encode()

_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCUMENT_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "application/pdf": "pdf",
        "text/csv": "csv",
        "application/msword": "doc",
        f"{_OFFICE}wordprocessingml.document": "docx",
        "application/vnd.ms-excel": "xls",
        f"{_OFFICE}spreadsheetml.sheet": "xlsx",
        "text/html": "html",
        "text/plain": "txt",
        "text/markdown": "md",
    }
)

# What Bedrock, which stands behind Kiro, allows in the name of a document.
_UNFIT_IN_NAME = re.compile(r"[^A-Za-z0-9()\[\] -]+|\s+")


def image_format(image: Image) -> str:
    """What Kiro calls the image's type, by its first bytes; "" if it is none of those that Kiro takes."""
    return next((kind for beginning, kind in _BEGINNINGS.items() if image.data.startswith(beginning)), "")


def _is_base64(data: str) -> bool:
    # Deleting the alphabet is five times as fast as matching or decoding, and images are most of a request's bytes.
    rest = data.encode("ascii", "replace").translate(None, _ALPHABET)
    return bool(data) and len(data) % 4 == 0 and rest in {b"", b"=", b"=="} and data.endswith(rest.decode())


def admit(turns: tuple[Turn, ...], options: RequestOptions, tally: Tally) -> tuple[Turn, ...]:
    """Replace what Kiro cannot be given by notes, in messages and in results of tools.

    Of too many images the newest stay, three quarters of the limit at least. Types come out as Kiro has them. Without images and documents the turns come
    back as they are. Idempotent.

    Raises:
        PromptRefused: something cannot be given, and the owner wants that refused.
    """
    files = list(_files(turns))
    if not files:
        return turns
    gate = _Gate(options, tally, sum(isinstance(file, Image) for file in files))
    return tuple(
        Turn(turn.role, tuple(gate.admit(block, f"messages.{index}.content") for block in turn.blocks))
        for index, turn in enumerate(turns)
    )


def _files(turns: Iterable[Turn]) -> Iterator[Image | Document]:
    """All images and documents, also those in results of tools."""
    for turn in turns:
        for block in turn.blocks:
            if type(block) is ToolResult:
                for part in block.content:
                    if type(part) is not Text:
                        yield part
            elif type(block) is Image or type(block) is Document:
                yield block


def _surplus(images: int, most: int) -> int:
    """How many of the oldest images go.

    With every one that goes the history changes where it stood, and Kiro's cache of it is worth nothing from there on. So
    when one has to go, a quarter goes, and there is peace for as many images to come.
    """
    if not most or images <= most:
        return 0
    step = max(1, most // 4)
    return -(-(images - most) // step) * step


class _Gate:
    """Judges images and documents in the order in which they stand."""

    def __init__(self, options: RequestOptions, tally: Tally, images: int) -> None:
        limits = options.limits
        self._options = options
        self._tally = tally
        self._surplus = _surplus(images, limits.images)
        self._names: set[str] = set()

    def admit(self, block: Block, path: str) -> Block:
        if isinstance(block, ToolResult):
            content = tuple(self._admit_part(part, path) for part in block.content)
            return ToolResult(block.tool_use_id, content, block.is_error)
        return self._admit_part(block, path) if isinstance(block, Image | Document) else block

    def _admit_part(self, part: Text | Image | Document, path: str) -> Text | Image | Document:
        if isinstance(part, Image):
            return self._image(part, path)
        return self._document(part, path) if isinstance(part, Document) else part

    def _image(self, image: Image, path: str) -> Image | Text:
        kind, largest = image_format(image), self._options.limits.image_bytes
        if self._surplus:
            self._surplus -= 1
            self._tally.note("old image replaced by a note")
            return Text("[An image stood here. It was left out because newer images fill the limit.]")
        if not _is_base64(image.data):
            return self._refused("an image whose data is not base64", "image that is not base64", path)
        if not kind:
            return self._refused(f"an image that is no {_KINDS}", "image of an unsupported type", path)
        if largest and len(image.data) * 3 // 4 > largest:
            return self._refused(f"an image of more than {largest} bytes", "image over the size limit", path)
        media_type = f"image/{kind}"
        if media_type == image.media_type:
            return image
        if IMAGE_FORMATS.get(image.media_type.lower()) != kind:
            self._tally.note("type of an image corrected")
        return Image(media_type, image.data)

    def _document(self, document: Document, path: str) -> Document | Text:
        media_type = document.media_type.lower()
        if not self._options.native_documents or media_type not in DOCUMENT_FORMATS:
            return self._refused(
                f"a document of type {media_type}", "document that cannot be passed on", path
            )
        name = " ".join(_UNFIT_IN_NAME.sub(" ", document.name).split()) or "Document"
        number, unique = 1, name
        while unique.lower() in self._names:
            number += 1
            unique = f"{name} ({number})"
        self._names.add(unique.lower())
        return Document(media_type, document.data, unique)

    def _refused(self, what: str, remark: str, path: str) -> Text:
        if self._options.unsupported is Unsupported.REFUSE:
            # Claude Code takes out what it hears so of, and asks again.
            kind = "image" if what.startswith("an image") else "PDF"
            raise PromptRefused(f"Could not process {kind}: the upstream cannot be given {what}.", path=path)
        self._tally.note(f"{remark} replaced by a note")
        return Text(f"[Here stood {what}, which could not be passed on.]")
