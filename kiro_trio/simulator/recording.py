"""A reply as bytes, without a server: for benches, and for cutting a stream at every byte."""

from kiro_trio.simulator.delivery import CHUNKED, Delivery, Head, Write, befall
from kiro_trio.simulator.frames import Voice, perform
from kiro_trio.simulator.script import Reply

_ANYBODY = Voice()


def stream_bytes(reply: Reply, voice: Voice = _ANYBODY) -> list[bytes]:
    """The body of the reply in the chunks that would be sent: one frame each, unless a misfortune regroups them.

    Pauses are left out, and so is whatever follows a break. Only what damages or regroups the body matters here.
    """
    acts = perform(reply.steps or (), voice, bare=reply.bare)
    delivery = befall(Delivery(200, (), (Head(), *acts), CHUNKED), reply.misfortunes)
    return [chunk for act in delivery.acts if isinstance(act, Write) for chunk in act.chunks]
