"""Bytes to frames and back, sans-IO, with nothing but the standard library.

`eventstream` reads how Kiro answers, `message` is what it reads and writes it, `headers` has the ten types of header
values, `memory` is why it is fast. `sse` is how we answer: server-sent events, both ways. Whatever is wrong with bytes
from outside is a `WireError` (`errors` draws the tree), and it is final; `ready` hands out what came before.
`http_heads` reads and writes the heads of HTTP messages, where they are plain.
"""

from kiro_trio.wire.errors import StreamTruncated, WireError
from kiro_trio.wire.eventstream import EventStreamDecoder
from kiro_trio.wire.headers import Headers, HeaderValue
from kiro_trio.wire.message import MAX_MESSAGE_SIZE, Message, encode_message
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
