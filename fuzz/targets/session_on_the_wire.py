"""The whole chain, from Kiro's bytes to the client's: whatever happens on the wire, one honest ending and no silence.

Session, attempt, client and simulator over memory streams in virtual time; corrupt frames, cut and stalled bodies, wrong framing,
garbage. A whole answer has the words of one reply and all of them.
"""

import json

from hypothesis import strategies as st

from fuzz import virtual_time
from fuzz.strategies.upstream_scripts import replies
from fuzz.targets.session import check_silence
from kiro_trio.simulator.script import Reply
from tests.dialects import grammar
from tests.session.chain import Chain, replying

EXAMPLES = st.tuples(replies, st.booleans(), virtual_time.orders)


def check(example: tuple[list[Reply], bool, int]) -> None:
    script, live, order = example
    chain = Chain(replying(*script), live=live)
    outcome = virtual_time.run(chain.play, order=order)
    door, failure = chain.door, outcome.failure
    assert door.ended == 1
    assert not chain.leases.open
    assert outcome.bug is None
    assert (failure is None) == (outcome.attempts[-1].failure is None)
    if door.status == 200 and live:
        assert grammar.read(door.body).ending == ("whole" if failure is None else "error")
        check_silence(door)
    else:
        assert (door.status == 200) == (failure is None)
        assert json.loads(door.body)["type"] == ("message" if failure is None else "error")
