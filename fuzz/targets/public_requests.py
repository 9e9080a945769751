"""Whatever clients ask over HTTP, one after another, the answer is one that is published, and nothing is said that Kiro would refuse.

Through the whole house: our HTTP, our dialect, and a simulated Kiro that knows the wire's rules. Never a 500; a stream has an ending.
"""

import tempfile
from pathlib import Path

import structlog
import trio
from hypothesis import Phase
from hypothesis import strategies as st

from fuzz.strategies import published
from tests.conformance.openapi import Asked
from tests.dialects import grammar
from tests.end_to_end.house import KEY, house

BOUNDED = 4  # each is a gateway of its own
EXAMPLES = st.lists(st.tuples(published.of_clients, published.headers), min_size=30, max_size=60)
# To make a failing list shorter takes minutes, and the assertion names the one request that failed.
PHASES = (Phase.explicit, Phase.generate)

_NEVER = {401, 403, *range(500, 600)}


def check(asked: list[tuple[Asked, dict[str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder, structlog.testing.capture_logs():
        trio.run(_ask_all, Path(folder), asked)


async def _ask_all(folder: Path, asked: list[tuple[Asked, dict[str, str]]]) -> None:
    async with house(folder) as here:
        for one, more in asked:
            headers = more | {"x-api-key": KEY, "content-type": one.kind}
            answer = await here.http.request(
                one.method, one.url, params=one.query, content=one.content, headers=headers
            )
            assert answer.status_code not in _NEVER, (one, answer.text)
            assert published.CLIENTS.problems(one, answer) == [], (one, answer.text)
            assert answer.headers["request-id"].startswith("req_")
            if "event-stream" in answer.headers["content-type"]:
                assert grammar.read(answer.content).ending == "whole", one
            refused = [exchange.refused for exchange in here.simulator.seen if exchange.refused]
            # A model that nobody knows is Kiro's to refuse: tomorrow it may know it.
            assert all(reason.startswith("model: ") for reason in refused), (one, refused)
            here.simulator.seen.clear()
