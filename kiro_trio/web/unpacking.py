"""Request bodies that come packed: Claude Code sends gzip if its user says so, and other clients have a switch for it too."""

import zlib

import trio

from kiro_trio.dialects.anthropic.errors import InvalidRequest

_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_ANY_HEADER = 32 + zlib.MAX_WBITS  # zlib finds out whether it is gzip's or its own


async def unpacked(body: bytes, coding: str, most: int) -> bytes:
    """The body as it was before the client packed it; `coding` is its header `content-encoding`, "" for none.

    No more than `most` bytes are ever unpacked. Cancellation waits for what is being unpacked.

    Raises:
        InvalidRequest: it is damaged, unpacks to more than `most` bytes, or is packed in a way that we do not know.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in _PACKED:
        raise InvalidRequest("expected gzip, deflate or no content-encoding", "content-encoding", status=415)
    return await trio.to_thread.run_sync(_inflated, body, most)


def _inflated(body: bytes, most: int) -> bytes:
    parts: list[bytes] = []
    left = most
    while body:  # gzip files may stand one behind the other
        unpacker = zlib.decompressobj(_ANY_HEADER)
        try:
            parts.append(unpacker.decompress(body, left + 1))
        except zlib.error:
            raise InvalidRequest("the body is not packed as its content-encoding says") from None
        left -= len(parts[-1])
        if left < 0:
            raise InvalidRequest(
                f"the request body is larger than {most} bytes", status=413, error_type="request_too_large"
            )
        if not unpacker.eof:
            raise InvalidRequest("the packed body ends too early")
        body = unpacker.unused_data
    return b"".join(parts)
