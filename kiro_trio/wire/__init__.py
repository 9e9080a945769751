"""Bytes to frames and back, sans-IO, with nothing but the standard library.

`eventstream` is how Kiro answers: `EventStreamDecoder`, `Message`, `encode_message`. `headers` has its ten value types,
`sse` is how we answer: server-sent events, both ways. Whatever is wrong with bytes from outside is a `WireError`
(`errors` draws the tree), and it is final.
"""

from kiro_trio.wire.errors import StreamTruncated, WireError
from kiro_trio.wire.eventstream import MAX_MESSAGE_SIZE, EventStreamDecoder, Message, encode_message
from kiro_trio.wire.headers import Headers, HeaderValue
from kiro_trio.wire.sse import ServerSentEvent, ServerSentEventDecoder, encode_event

__all__ = [
    "MAX_MESSAGE_SIZE",
    "EventStreamDecoder",
    "HeaderValue",
    "Headers",
    "Message",
    "ServerSentEvent",
    "ServerSentEventDecoder",
    "StreamTruncated",
    "WireError",
    "encode_event",
    "encode_message",
]
