"""Chunked bodies taken apart by hand, sans-IO.

h11 spends 8 us on a chunk, and a server that streams events sends a chunk per event; one regular expression per chunk
spends 1. It is stricter than h11 where leniency helps nobody: no bare LF, no control characters, no folded lines,
no field in the trailers that frames a message.

Source: RFC 9112, 7.1
"""

import re

# Quantifiers are possessive where what follows cannot be part of what they took: no input makes them backtrack.
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*+"
_SIZE_LINE = rb"([0-9A-Fa-f]{1,16})(?:;" + _TEXT + rb"|[ \t]*)"

# The CRLF that ends a chunk, and the size line of the next, in one match: a chunk costs one, wherever it begins.
_BOUNDARY = re.compile(rb"\r\n" + _SIZE_LINE + rb"\r\n")
_BOUNDARY_BEGUN = re.compile(rb"\r?|\r\n(?:" + _SIZE_LINE + rb"\r?)?")
_NAME = rb"[-!#$%&'*+.^_`|~0-9A-Za-z]++"
_TRAILERS = re.compile(rb"(?:" + _NAME + rb":" + _TEXT + rb"\r\n)*+\r\n")
_TRAILERS_BEGUN = re.compile(
    rb"(?:" + _NAME + rb":" + _TEXT + rb"\r\n)*+(?:\r|" + _NAME + rb"(?::" + _TEXT + rb"\r?)?)?"
)
_FRAMING = re.compile(rb"(?:^|\n)(?:content-length|transfer-encoding):", re.IGNORECASE)

_MAX_SIZE_LINE = 4096
_MAX_TRAILERS = 16384


class BodyError(ValueError):
    """The body is malformed, or exceeds a limit."""


class BodyTruncated(BodyError):
    """The connection ended inside the body."""


class ChunkedDecoder:
    """Decodes one chunked body: give it what the socket brought, then read what is in it.

    Memory is bounded by one size line or the trailers (4 and 16 KiB) plus what is received at once.
    """

    def __init__(self) -> None:
        self.done = False
        """Whether the body and its trailers are complete."""
        self._fresh = False  # something has come that was not looked at
        self._kept = b"\r\n"  # not yet decoded; it begins as if a chunk had just ended, which saves a state
        self._remaining = 0  # bytes of the open chunk that have still to come
        self._in_trailers = False
        self._eof = False
        self._error: BodyError | None = None

    @property
    def unused(self) -> bytes:
        """What was received behind the end of the body."""
        return self._kept if self.done else b""

    def receive_data(self, data: bytes) -> None:
        """Take in bytes, `b""` for the end of the connection; nothing is looked at yet."""
        self._eof = self._eof or not data
        self._fresh = True
        self._kept = self._kept + data if self._kept else data

    def read(self) -> bytes:
        """Return all bytes of the body that have arrived and were not yet returned.

        Raises:
            BodyError: After all that came before the error has been returned; then at every call.
        """
        if self.done:
            return b""
        if self._error is not None:
            raise self._error
        if not self._fresh:
            return b""
        self._fresh = False
        pieces: list[bytes] = []
        try:
            self._decode(pieces)
            if self._eof and not self.done:
                raise BodyTruncated("the connection ended inside a chunked body")
        except BodyError as error:
            self._error = error
            if not pieces:
                raise
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _decode(self, pieces: list[bytes]) -> None:
        data, remaining, position = self._kept, self._remaining, 0
        while not self._in_trailers:
            if remaining:
                piece = data[position : position + remaining]
                if piece:
                    pieces.append(piece)
                    position += len(piece)
                    remaining -= len(piece)
                if position == len(data):
                    self._kept, self._remaining = b"", remaining
                    return
            boundary = _BOUNDARY.match(data, position)
            if boundary is None:
                self._kept, self._remaining = data[position:], 0
                if self._kept != b"\r\n":  # most reads end behind a chunk
                    self._check_boundary()
                return
            position = boundary.end()
            remaining = int(boundary[1], 16)
            self._in_trailers = not remaining
        self._kept, self._remaining = data[position:], 0
        self._end()

    def _check_boundary(self) -> None:
        if len(self._kept) > _MAX_SIZE_LINE or not _BOUNDARY_BEGUN.fullmatch(self._kept):
            raise BodyError("no chunk size where one has to be")

    def _end(self) -> None:
        trailers = _TRAILERS.match(self._kept)
        if trailers is None:
            if len(self._kept) > _MAX_TRAILERS or not _TRAILERS_BEGUN.fullmatch(self._kept):
                raise BodyError("trailers that are malformed or too long")
            return
        if trailers.end() > _MAX_TRAILERS or _FRAMING.search(trailers[0]):
            raise BodyError("trailers that are too long or frame a message")
        self.done, self._kept = True, self._kept[trailers.end() :]
