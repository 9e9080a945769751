from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.simulator.delivery import Delivery, End, Head, Wait, Write, befall
from kiro_trio.simulator.script import Coalesce, Corrupt, Cut, Extra, Framing, Garbage, HangUp, Stall, Trickle

frames = st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=6)
FATES = (
    Corrupt(0, 0, 1),
    Extra(b"!!"),
    Coalesce(2, 2),
    Stall(3, 5.0),
    Cut(4, "close"),
    Trickle(2),
    Framing("close"),
    HangUp(1),
)


def delivery(parts: list[bytes]) -> Delivery:
    return Delivery(200, (("content-type", "x"),), (Head(), *(Write((part,)) for part in parts)))


def writes(planned: Delivery) -> list[Write]:
    return [act for act in planned.acts if isinstance(act, Write)]


@given(frames, st.data())
def test_a_cut_leaves_so_many_bytes_and_then_the_end(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    at = data.draw(st.integers(0, len(whole)))
    cut = befall(delivery(parts), [Cut(at, "close")])
    assert cut.body == whole[:at]
    assert cut.acts[0] == Head()
    assert cut.acts[-1] == End("close")


@given(frames)
def test_what_would_come_behind_the_end_does_not_come(parts: list[bytes]) -> None:
    planned = delivery(parts)
    behind = len(planned.body) + 1
    assert befall(planned, [Cut(behind), Stall(behind)]) == planned


@given(frames, st.data())
def test_a_stall_stands_after_so_many_bytes_and_changes_none(parts: list[bytes], data: st.DataObject) -> None:
    planned = delivery(parts)
    at = data.draw(st.integers(0, len(planned.body)))
    stalled = befall(planned, [Stall(at, 7.0)])
    place = stalled.acts.index(Wait(7.0))
    assert Delivery(200, (), stalled.acts[:place]).body == planned.body[:at]
    assert stalled.body == planned.body


def test_misfortunes_may_come_before_the_headers() -> None:
    assert befall(delivery([b"a"]), [Stall(seconds=3)]).acts[:2] == (Wait(3), Head())
    assert befall(delivery([b"a"]), [Cut(how="reset")]).acts == (End("reset"),)
    assert befall(delivery([b"a"]), [Stall(seconds=3), Cut()]).acts == (End("reset"),)


@given(frames, st.integers(0, 4), st.integers(0, 4))
def test_coalescing_changes_no_byte_and_keeps_to_its_sizes(
    parts: list[bytes], size: int, chunks: int
) -> None:
    planned = befall(delivery(parts), [Coalesce(size, chunks)])
    assert planned.body == b"".join(parts)
    assert all(len(write.chunks) <= (chunks or 99) for write in writes(planned))
    groups = -(-len(parts) // (size or len(parts)))
    assert sum(len(write.chunks) for write in writes(planned)) == groups


def test_frames_with_a_pause_between_are_not_coalesced() -> None:
    planned = Delivery(200, (), (Head(), Write((b"a",)), Wait(1), Write((b"b",))))
    assert befall(planned, [Coalesce(0, 0)]) == planned


@given(frames, st.data())
def test_corruption_is_one_bit_of_one_frame(parts: list[bytes], data: st.DataObject) -> None:
    frame = data.draw(st.integers(-len(parts), len(parts) - 1))
    byte = data.draw(st.integers(-len(parts[frame]), len(parts[frame]) - 1))
    bit = data.draw(st.integers(0, 7))
    corrupt = befall(delivery(parts), [Corrupt(frame, byte, bit)])
    difference = int.from_bytes(corrupt.body) ^ int.from_bytes(b"".join(parts))
    assert difference.bit_count() == 1
    assert writes(corrupt)[frame].chunks[0] != parts[frame]


@given(frames, st.permutations(FATES))
def test_the_order_of_misfortunes_does_not_matter(parts: list[bytes], fates: list[object]) -> None:
    assert befall(delivery(parts), fates) == befall(delivery(parts), FATES)  # type: ignore[arg-type]


def test_garbage_replaces_body_and_content_type() -> None:
    planned = befall(delivery([b"a", b"b"]), [Garbage("oops", "text/plain")])
    assert (planned.status, planned.headers, planned.body) == (
        200,
        (("content-type", "text/plain"),),
        b"oops",
    )
