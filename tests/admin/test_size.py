"""Many accounts, many streams: what the owner looks at must not cost the requests anything to speak of."""

import json
import time

import msgspec

from kiro_trio.admin.live import picture
from kiro_trio.gateway.live import LiveAttempt, LiveRequest, Phase
from kiro_trio.gateway.opening import open_gateway
from kiro_trio.session.outbox import Outbox
from kiro_trio.settings import Settings
from kiro_trio.simulator.simulator import Simulator
from tests.admin.owner import owner

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
