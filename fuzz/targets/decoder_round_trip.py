"""What is encoded is decoded again, type by type, and what was decoded encodes to the same bytes."""

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import frames
from kiro_trio.wire.headers import encode_headers
from tests.wire.builder import frame

EXAMPLES = st.lists(frames.messages, max_size=4)


def check(messages, codec: Codec = INSTALLED) -> None:
    encode = codec.message.encode_message
    # A header's type is that of the codec that is checked; the examples are of the installed one.
    native = [
        ({name: _native(value, codec) for name, value in headers.items()}, payload)
        for headers, payload in messages
    ]
    encoded = [encode(headers, payload) for headers, payload in native]
    for raw, (headers, payload) in zip(encoded, messages, strict=True):
        assert raw == frame(encode_headers(headers), payload)
    decoder = codec.eventstream.EventStreamDecoder()
    decoded = list(decoder.receive_data(b"".join(encoded)))
    decoder.close()
    assert [_typed(m.headers) for m in decoded] == [_typed(headers) for headers, _ in native]
    assert [m.payload for m in decoded] == [payload for _, payload in native]
    assert [encode(m.headers, m.payload) for m in decoded] == encoded


def _native(value, codec: Codec):
    return (
        getattr(codec.headers, type(value).__name__, type)(value)
        if type(value).__base__ is int and not isinstance(value, bool)
        else value
    )


def _typed(headers) -> list:
    return [(name, type(value), value) for name, value in headers.items()]
