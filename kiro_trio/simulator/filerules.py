"""Invariants of pictures and documents.

Each function gives the evidence when its invariant is broken, else None. `rules.INVARIANTS` says what follows.
"""

import base64
import binascii

from kiro_trio.simulator.question import Question
from kiro_trio.simulator.turnrules import users_of

MAX_IMAGES = 20
MAX_IMAGE_BYTES = 10 * 1024 * 1024
IMAGE_MAGIC = {
    "png": b"\x89PNG",
    "jpeg": b"\xff\xd8",
    "gif": b"GIF8",
    "webp": b"RIFF",
}
DOCUMENT_FORMATS = {"csv", "doc", "docx", "html", "md", "pdf", "txt", "xls", "xlsx"}


def image_formats(question: Question) -> str | None:
    """Only four formats, spelt so."""
    for where, user in users_of(question):
        for image in user.images or ():
            if image.format not in IMAGE_MAGIC:
                return f"{where}: format {image.format!r}"
    return None


def image_data(question: Question) -> str | None:
    """Base64, and what it holds begins as its format does."""
    for where, user in users_of(question):
        for image in user.images or ():
            try:
                data = base64.b64decode((image.source.bytes or "").encode(), validate=True)
            except (binascii.Error, ValueError):
                return f"{where}: image data is not base64"
            if not data.startswith(IMAGE_MAGIC.get(image.format, b"")):
                return f"{where}: not a {image.format}"
    return None


def image_count(question: Question) -> str | None:
    """A message holds a limited number of pictures."""
    for where, user in users_of(question):
        if len(user.images or ()) > MAX_IMAGES:
            return f"{where}: {len(user.images or ())} images"
    return None


def image_size(question: Question) -> str | None:
    """A picture is of limited size."""
    for where, user in users_of(question):
        for image in user.images or ():
            if len(image.source.bytes or "") * 3 // 4 > MAX_IMAGE_BYTES:
                return f"{where}: image of {len(image.source.bytes or '')} characters"
    return None


def document_formats(question: Question) -> str | None:
    """Only the schema's formats."""
    for where, user in users_of(question):
        for document in user.documents or ():
            if document.format not in DOCUMENT_FORMATS:
                return f"{where}: format {document.format!r}"
    return None


def document_names(question: Question) -> str | None:
    """Documents of one message have names of their own."""
    for where, user in users_of(question):
        names = [document.name for document in user.documents or ()]
        if "" in names or len(set(names)) < len(names):
            return f"{where}: names {names}"
    return None
