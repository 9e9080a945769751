"""Several gateways on one file, killed at any moment."""

import os

import trio

from kiro_trio.credentials.roster import Standing
from kiro_trio.simulator.server import serve_simulator
from tests.credentials.entries import read_json
from tests.credentials.gateway_process import new_keeper
from tests.credentials.killing import kill_and_kill, rotating

RENEWALS, AT_MOST = (200, 6) if os.environ.get("HYPOTHESIS_PROFILE") == "long" else (2, 1)
"""How many renewals are made in all, and by a pair of processes before one of them is killed."""


async def test_two_gateways_killed_again_and_again_lose_no_account(tmp_path):
    """A service that takes the predecessor of a token that nobody has used yet is assumed; `killing` says why."""
    path, simulator = tmp_path / "credentials.json", rotating("abc", forgiving=True)
    figures = await kill_and_kill(path, simulator, RENEWALS, AT_MOST)
    assert figures.renewals >= RENEWALS
    assert figures.kills >= RENEWALS // AT_MOST // 2
    assert figures.reads > figures.kills
    assert (figures.lost, figures.unreadable) == (0, 0)

    async with trio.open_nursery() as nursery:
        url = await nursery.start(serve_simulator, simulator)
        keeper = await new_keeper(path, url)
        await nursery.start(keeper.run)
        for status in keeper.standings():
            assert await keeper.owner.renew_now(status.id) is None
            assert status.standing is Standing.READY
        nursery.cancel_scope.cancel()
    assert [entry["refreshToken"] for entry in read_json(path)] == [
        one.refresh_token for one in simulator.accounts
    ]
