"""How an answer goes over the line: acts in order, and what misfortunes make of them.

Pure: an answer is planned here as a `Delivery` and carried out by `server`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from kiro_trio.simulator.script import (
    Coalesce,
    Corrupt,
    Cut,
    Extra,
    Framing,
    Garbage,
    HangUp,
    How,
    Misfortune,
    Misfortunes,
    Stall,
    Trickle,
)

CHUNKED = Framing("chunked")


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers are written."""


@dataclass(frozen=True, slots=True)
class Write:
    """These chunks of the body are written at once (a chunk is an HTTP chunk when the body is chunked)."""

    chunks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing happens for so many seconds, or for ever."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class End:
    """The answer ends here, in one way or another; nothing after it is carried out."""

    how: How


Act = Head | Write | Wait | End


@dataclass(frozen=True, slots=True)
class Delivery:
    """A planned answer.

    `acts` begin with `Head` unless something happens before it; where no `End` stands the answer ends well.
    `trickle` is bytes and seconds of every write to the socket, `wire_cut` an end after so many bytes on the line,
    `outside` stands behind the answer, `hang_up` closes the connection so many seconds after a whole answer.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    acts: tuple[Act, ...]
    framing: Framing = CHUNKED
    trickle: Trickle | None = None
    wire_cut: Cut | None = None
    outside: bytes = b""
    hang_up: HangUp | None = None

    @property
    def body(self) -> bytes:
        """All that the body would hold if nothing waited or broke."""
        return b"".join(chunk for act in self.acts if isinstance(act, Write) for chunk in act.chunks)


def befall(delivery: Delivery, misfortunes: Iterable[Misfortunes]) -> Delivery:
    """Let every misfortune come over the delivery.

    Their order does not matter: frames are damaged first, then regrouped, then held up, then cut.
    """
    for misfortune in sorted(misfortunes, key=lambda one: _ORDER[type(one)]):
        delivery = _BEFALL[type(misfortune)](delivery, misfortune)
    return delivery


def _corrupt(delivery: Delivery, fate: Corrupt) -> Delivery:
    acts = list(delivery.acts)
    frames = [index for index, act in enumerate(acts) if isinstance(act, Write)]
    if -len(frames) <= fate.frame < len(frames):
        index = frames[fate.frame]
        data = bytearray(b"".join(cast("Write", acts[index]).chunks))
        if -len(data) <= fate.byte < len(data):
            data[fate.byte] ^= 1 << (fate.bit % 8)
        acts[index] = Write((bytes(data),))
    return replace(delivery, acts=tuple(acts))


def _garbage(delivery: Delivery, fate: Garbage) -> Delivery:
    headers = [pair for pair in delivery.headers if pair[0] != "content-type"]
    return replace(
        delivery,
        headers=(("content-type", fate.content_type), *headers),
        acts=(Head(), Write((fate.text.encode(),))),
    )


def _extra(delivery: Delivery, fate: Extra) -> Delivery:
    if fate.outside:
        return replace(delivery, outside=delivery.outside + fate.data)
    return replace(delivery, acts=(*delivery.acts, Write((fate.data,))))


def _coalesce(delivery: Delivery, fate: Coalesce) -> Delivery:
    acts: list[Act] = []
    together: list[bytes] = []

    def flush() -> None:
        chunks = tuple(b"".join(some) for some in _groups(together, fate.frames))
        acts.extend(Write(tuple(some)) for some in _groups(chunks, fate.chunks))
        together.clear()

    for act in delivery.acts:
        if isinstance(act, Write):
            together.extend(act.chunks)
        else:
            flush()
            acts.append(act)
    flush()
    return replace(delivery, acts=tuple(acts))


def _groups(items: Sequence[bytes], size: int) -> Iterable[tuple[bytes, ...]]:
    step = size or len(items) or 1
    return (tuple(items[start : start + step]) for start in range(0, len(items), step))


def _stall(delivery: Delivery, fate: Stall) -> Delivery:
    if fate.at is not None and fate.at > len(delivery.body):
        return delivery
    before, after = _split(delivery.acts, fate.at)
    return replace(delivery, acts=(*before, Wait(fate.seconds), *after))


def _cut(delivery: Delivery, fate: Cut) -> Delivery:
    if fate.of == "wire":
        return replace(delivery, wire_cut=fate)
    if fate.at is not None and fate.at > len(delivery.body):
        return delivery
    before, _ = _split(delivery.acts, fate.at)
    return replace(delivery, acts=(*before, End(fate.how)))


def _split(acts: tuple[Act, ...], at: int | None) -> tuple[list[Act], list[Act]]:
    """Split after `at` bytes of the body; None is before everything."""
    if at is None:
        return [], list(acts)
    before: list[Act] = []
    left = at
    for index, act in enumerate(acts):
        size = sum(map(len, act.chunks)) if isinstance(act, Write) else 0
        if isinstance(act, Write) and size > left:
            first, second = _split_chunks(act.chunks, left)
            return [*before, *first], [*second, *acts[index + 1 :]]
        if isinstance(act, End) or (left == 0 and not isinstance(act, Head)):
            return before, list(acts[index:])
        before.append(act)
        left -= size
    return before, []


def _split_chunks(chunks: tuple[bytes, ...], at: int) -> tuple[list[Act], list[Act]]:
    first: list[bytes] = []
    second: list[bytes] = []
    for chunk in chunks:
        first.append(chunk[:at])
        second.append(chunk[at:])
        at = max(0, at - len(chunk))
    sides = (tuple(filter(None, first)), tuple(filter(None, second)))
    return [Write(sides[0])] if sides[0] else [], [Write(sides[1])] if sides[1] else []


def _trickle(delivery: Delivery, fate: Trickle) -> Delivery:
    return replace(delivery, trickle=fate)


def _framing(delivery: Delivery, fate: Framing) -> Delivery:
    return replace(delivery, framing=fate)


def _hang_up(delivery: Delivery, fate: HangUp) -> Delivery:
    return replace(delivery, hang_up=fate)


_BEFALL: dict[type[Misfortune], Callable[[Delivery, Any], Delivery]] = {
    Corrupt: _corrupt,
    Garbage: _garbage,
    Extra: _extra,
    Coalesce: _coalesce,
    Stall: _stall,
    Cut: _cut,
    Trickle: _trickle,
    Framing: _framing,
    HangUp: _hang_up,
}
_ORDER = {kind: rank for rank, kind in enumerate(_BEFALL)}
