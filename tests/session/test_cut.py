"""A reply that the client's own limits have ended: nobody waits for what Kiro goes on to say."""

from dataclasses import replace

import pytest

from kiro_trio.simulator.script import Break, Corrupt, Pause, Say, Throw
from tests.session.chain import PROMPT, Chain, reply, replying, request_for

STOPPING = replace(PROMPT, stop_sequences=("STOP",))


def play(*steps, live: bool = True, misfortunes=()) -> Chain:
    chain = Chain(replying(reply(*steps, misfortunes=misfortunes)), live=live, request=request_for(STOPPING))
    chain.run()
    assert chain.outcome.failure is None
    assert chain.door.ended == 1
    return chain


def usage(chain: Chain) -> dict:
    return next(data["usage"] for name, data in chain.door.events() if name == "message_delta")


def stop_reason(chain: Chain) -> str:
    return next(data["delta"]["stop_reason"] for name, data in chain.door.events() if name == "message_delta")


def test_figures_that_come_soon_are_waited_for() -> None:
    chain = play(Say("one STOP two"))
    assert chain.door.text() == "one "
    assert stop_reason(chain) == "stop_sequence"
    assert chain.outcome.usage.context_percentage is not None
    assert chain.outcome.usage.credits is not None
    assert usage(chain)["input_tokens"] != 10


@pytest.mark.parametrize("rest", [(Pause(),), (Say("more " * 50, piece=5, every=0.5),)])
def test_figures_that_do_not_come_are_not(rest) -> None:
    chain = play(Say("one STOP two"), *rest)
    assert chain.door.text() == "one "
    last, _ = chain.door.writes[-1]
    assert last < 3.0
    # Nothing is made up: our estimates, no credits.
    assert chain.outcome.usage.input_tokens is None
    assert chain.outcome.usage.credits is None
    assert not chain.outcome.usage.measured
    assert usage(chain) == {"input_tokens": 10, "output_tokens": 1}
    assert chain.leases.settled[0][1] is None


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    "rest", [(Throw("ThrottlingException", "slow down"),), (Break("reset"),), (Break("close"),)]
)
def test_what_breaks_behind_the_end_is_nobodys_loss(rest, live: bool) -> None:
    chain = play(Say("one STOP two"), *rest, live=live)
    assert len(chain.outcome.attempts) == 1
    if live:
        assert chain.door.text() == "one "


def test_damage_behind_the_end_is_nobodys_loss() -> None:
    chain = play(Say("one STOP two"), Say("three"), Say("four"), misfortunes=[Corrupt(3, -1)])
    assert chain.door.text() == "one "
