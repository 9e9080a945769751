"""However a driver feeds and takes, nothing is lost, nothing comes twice, and nothing changes its order.

Several feeds before anything is taken, iterators left half-way or kept over a feed, two decoders in turn.
"""

from hypothesis import strategies as st

from fuzz.codec import INSTALLED, Codec
from fuzz.strategies import frames
from kiro_trio.wire import WireError
from tests.wire import reference

_STEPS = st.one_of(
    st.tuples(st.just("feed"), frames.pieces),
    st.tuples(st.just("feed"), st.sampled_from(frames.GOOD)),
    st.tuples(st.just("some"), st.integers(0, 3)),
    st.tuples(st.just("kept"), st.integers(0, 3)),
    st.tuples(st.just("all"), st.just(0)),
)
EXAMPLES = st.tuples(*(st.lists(_STEPS, max_size=8),) * 2)


def check(example, codec: Codec = INSTALLED) -> None:
    drivers = [_Driver(codec), _Driver(codec)]
    for n in range(max(map(len, example), default=0)):
        for driver, steps in zip(drivers, example, strict=True):
            if n < len(steps):
                driver.step(*steps[n])
    for driver in drivers:
        driver.finish()


class _Driver:
    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.decoder = codec.eventstream.EventStreamDecoder()
        self.fed = b""
        self.taken: list = []
        self.faults: list[WireError] = []
        self.kept = self.decoder.messages()

    def step(self, what: str, value) -> None:
        if what == "feed":
            self.kept = self.decoder.receive_data(value)
            self.fed += value
        elif what == "all":
            self.take(self.decoder.messages(), 1 << 20)
        else:
            self.take(self.kept if what == "kept" else self.decoder.messages(), value)

    def take(self, ready, most: int) -> None:
        try:
            while most > 0 and (message := next(ready, None)) is not None:
                assert not self.faults, "a message after the fault"
                self.taken.append(message)
                most -= 1
        except WireError as fault:
            self.faults.append(fault)

    def finish(self) -> None:
        self.step("all", 0)
        verdict = reference.decode(self.fed, 25_296_912)
        found = [(self.codec.headers.encode_headers(m.headers), m.payload) for m in self.taken]
        assert found == [(frame.block, frame.payload) for frame in verdict.frames]
        assert [fault.category for fault in self.faults[:1]] == (
            [verdict.broken.category] if verdict.broken else []
        )
        assert all(fault is self.faults[0] for fault in self.faults)
