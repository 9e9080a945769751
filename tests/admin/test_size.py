"""Many accounts, many streams: what the owner looks at must not cost the requests anything to speak of."""

import json
import sqlite3
import time

import msgspec

from kiro_trio.admin.live import picture
from kiro_trio.gateway import rows
from kiro_trio.gateway.live import LiveAttempt, LiveRequest, Phase
from kiro_trio.gateway.opening import open_gateway
from kiro_trio.session.outbox import Outbox
from kiro_trio.settings import Settings
from kiro_trio.simulator.simulator import Simulator
from tests.admin.owner import owner
from tests.gateway.test_history import NOON, settled

LATER = "2999-01-01T00:00:00Z"


def many(number: int) -> list[dict]:
    tokens = [
        {
            "refreshToken": f"{place:0>150}",
            "accessToken": f"access{place}",
            "expiresAt": LATER,
            "email": f"user{place}@example.com",
            "priority": place % 7,
            "profileArn": "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEFGHIJKL",
        }
        for place in range(number // 2)
    ]
    keys = [{"kiroApiKey": f"ksk_{place:0>30}"} for place in range(number - len(tokens))]
    return [*tokens, *keys]


async def test_a_thousand_accounts_are_listed_in_no_time(tmp_path) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps(many(1000)))
    took: dict[str, list[float]] = {}
    async with owner(tmp_path, Simulator(accounts=[])) as me:
        for path in ("/api/admin/credentials", "/api/admin/status", "/metrics", "/readyz"):
            for _ in range(4):
                began = time.perf_counter()
                answer = await me.here.http.get(path, headers={"x-api-key": "sk-owner-key-of-the-suite"})
                took.setdefault(path, []).append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200
        page = await me.get("/credentials")
    assert page["total"] == 1000
    print({path: round(min(times), 1) for path, times in took.items()})  # noqa: T201 - figures for -s
    assert min(took["/api/admin/credentials"]) < 1000


LOOKS = {
    "page": "/requests?limit=100",
    "largest page": "/requests?limit=500",
    "deep page": "/requests?limit=100&before=500",
    "rare": "/requests?limit=100&client=c7&model=m7",
    "none": "/requests?limit=100&outcome=throttled&status=429",
    "one": "/requests/req_50000",
    "usage": "/usage?by=client&since=0",
    "usage by hour": "/usage?by=hour&since=0",
    "latency": "/usage/latency?by=hour&since=0",
    "keys": "/keys",
}


async def test_a_hundred_thousand_requests_are_listed_in_no_time(tmp_path) -> None:
    noted = [
        settled(number, at=NOON - number, client=f"c{number % 50}", model=f"m{number % 20}")
        for number in range(100_000)
    ]
    async with owner(tmp_path) as me:
        await me.get("/requests")
        database = sqlite3.connect(tmp_path / "credentials.history.sqlite3")
        with database:
            rows.write(database, noted, {}, keep=True)
        database.close()
        took: dict[str, float] = {}
        for what, path in LOOKS.items():
            times = []
            for _ in range(5):
                began = time.perf_counter()
                assert (await me.ask("GET", path)).status_code == 200
                times.append((time.perf_counter() - began) * 1000)
            took[what] = round(min(times), 1)
        assert len((await me.get("/requests", limit=500))["requests"]) == 500
    print(took)  # noqa: T201 - figures for -s
    assert max(took.values()) < 1000


async def test_a_picture_of_a_hundred_streams_costs_less_than_two_percent_of_a_core(tmp_path) -> None:
    gateway = await open_gateway(Settings(credentials_file=str(tmp_path / "credentials.json")))

    class Nowhere:
        """A door, and a dialect, that nobody uses."""

    for number in range(100):
        request = LiveRequest(f"req_{number:024}", 1.79e9, "default", "claude-sonnet-4.5", stream=True)
        request.enter(Phase.ANSWERING)
        request.outbox = Outbox(Nowhere(), Nowhere())
        request.attempts += [LiveAttempt(1, 0.0, ended=1.0), LiveAttempt(2, 1.0, first=1.5, batches=100)]
        gateway.live._requests[request.id] = request
    costs = []
    for _ in range(20):
        began = time.process_time()
        data = msgspec.json.encode(picture(gateway))
        costs.append(time.process_time() - began)
    assert len(json.loads(data)["requests"]) == 100
    print({"ms per picture of 100": round(min(costs) * 1000, 2), "bytes": len(data)})  # noqa: T201
    assert min(costs) < 0.02  # of the second between two pictures
