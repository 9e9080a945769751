"""After every feed, exactly those messages are out and exactly that fault is there that the strict reference names.

With it: any chunking gives the same; the fault comes with the byte that decides it and stays for good; what came before it is
out, nothing after it ever is; no more is held than the unfinished frame; the kind of buffer does not matter, nor what
happens to it afterwards.
"""

from collections.abc import MutableMapping

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import frames
from fuzz.strategies.frames import Fed
from kiro_trio.wire import StreamTruncated, WireError
from tests.wire import reference
from tests.wire.feeding import Outcome, cut, take

EXAMPLES = st.tuples(frames.fed_streams(), st.sampled_from(("bytes", "bytearray", "view", "mixed")))


def bytes_of(example: tuple[Fed, str]) -> bytes:
    return example[0].data


def check(example: tuple[Fed, str], codec: Codec = INSTALLED) -> None:
    fed, kind = example
    verdict = reference.decode(fed.data, fed.limit)
    decoder = codec.eventstream.EventStreamDecoder(fed.limit)
    outcome, size = Outcome(), 0
    for n, chunk in enumerate(cut(fed.data, fed.cuts)):
        buffer = _buffer(chunk, _KINDS[n % 3] if kind == "mixed" else kind)
        ready = decoder.receive_data(buffer)
        if isinstance(buffer, bytearray):
            buffer[:] = bytes(len(buffer))
        take(ready, outcome)
        size += len(chunk)
        _compare(outcome, decoder, verdict, size, codec)
    _check_end(decoder, outcome, verdict)


def check_bytes(data: bytes, codec: Codec = INSTALLED) -> None:
    for cuts in ((), range(1, len(data)), range(7, len(data), 7)):
        check((Fed(data, tuple(cuts), 25_296_912), "bytes"), codec)


def _compare(outcome: Outcome, decoder, verdict: reference.Verdict, size: int, codec: Codec) -> None:
    frames_out, broken, held = verdict.after(size)
    assert len(outcome.things) == frames_out
    for message, frame in zip(outcome.things, verdict.frames, strict=False):
        assert codec.headers.encode_headers(message.headers) == frame.block
        assert not isinstance(message.headers, MutableMapping)
        assert type(message.payload) is bytes
        assert message.payload == frame.payload
    assert len(decoder._held or b"") == held
    assert (outcome.fault is None) == (broken is None)
    if broken is not None:
        _check_fault(outcome.fault, broken)


def _check_fault(fault: WireError, broken: reference.Broken) -> None:
    assert (fault.category, fault.offset, fault.frame) == (broken.category, broken.offset, broken.frame)
    assert str(fault)


def _check_end(decoder, outcome: Outcome, verdict: reference.Verdict) -> None:
    _, broken, held = verdict.after(verdict.size)
    fault = _fault_of_close(decoder)
    if broken is None and not held:
        assert fault is None
        return
    if broken is None:
        assert isinstance(fault, StreamTruncated)
        assert fault.held == held
    else:
        assert fault is outcome.fault
    # For good: whatever comes now, the same fault and not one message more.
    for more in (b"", frames.GOOD[0], b"x" * 20):
        again = Outcome()
        take(decoder.receive_data(more), again)
        assert (again.things, again.fault) == ([], fault)
    assert _fault_of_close(decoder) is fault


def _fault_of_close(decoder) -> WireError | None:
    try:
        decoder.close()
    except WireError as fault:
        return fault
    return None


_KINDS = ("bytes", "bytearray", "view")


def _buffer(chunk: bytes, kind: str) -> bytes | bytearray | memoryview:
    if kind == "bytearray":
        return bytearray(chunk)
    if kind == "view":
        return memoryview(b"<<<" + chunk + b">>>")[3:-3]
    return chunk
