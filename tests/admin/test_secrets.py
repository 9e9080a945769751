"""No secret in any log, figure or answer: a whole day of the house at debug level, looked through to the last line."""

import io
import json
import logging
import re

import httpx
import pytest
import structlog
import trio

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.script import Match, Reply, Rule, Script
from kiro_trio.simulator.signin import SignIn
from kiro_trio.simulator.simulator import Simulator
from kiro_trio.telemetry import configure_logging
from tests.admin.owner import ADMIN_KEY, Owner, followed, owner
from tests.end_to_end.house import KEY, prompt

WORDS = "the words of a client are nobody's business"
PASSWORD = "hunter2-of-the-proxy"
MAKE_BELIEVE = "r" * 90 + "make-believe-refresh-token-of-nobody"
PEOPLE = [
    Account("social.person@example.com"),
    Account("organisation.person@example.com", "idc"),
    Account("builder.person@example.com", "builder-id"),
    Account("key.person@example.com", "api-key"),
]
PASSING = {"code", "code_verifier", "deviceCode", "clientSecret", "refreshToken"}
TROUBLES = ["token", "suspended", "throttled", "internal", "monthly", "improper", "model"]


class Secrets:
    """Every secret that has existed, by what it is."""

    def __init__(self) -> None:
        self.known = {KEY, ADMIN_KEY, PASSWORD, MAKE_BELIEVE}

    def learn(self, accounts) -> None:
        for account in accounts:
            self.known |= {account.refresh_token, account.api_key, account.client_secret, *account.tokens}
        self.known.discard("")

    def found_in(self, text: str) -> list[str]:
        return [secret[:12] for secret in self.known if secret in text]


class Listening(SignIn):
    """Kiro's sign-in, overheard: what passes between it and the gateway is secret."""

    def overhear(self, known: set[str]) -> None:
        self.known = known

    def token(self, body, now):
        self.known |= {str(value) for key, value in body.items() if key in PASSING}
        return self._note(super().token(body, now))

    def exchange(self, body, now):
        self.known |= {str(value) for key, value in body.items() if key in PASSING}
        return self._note(super().exchange(body, now))

    def _note(self, answer):
        if isinstance(answer, dict):
            self.known |= {answer["accessToken"], answer["refreshToken"]}
        return answer


async def sign_in(me: Owner, do) -> None:
    """Every way in, to its end and half-way; a proxy that does not answer among them."""
    for wish in ({"provider": "builder-id"}, {"provider": "google"}, {"provider": "github"}):
        begun = json.loads(await do("POST", "/sign-ins", wish, headers={"x-forwarded-for": "203.0.113.7"}))
        async with httpx.AsyncClient(trust_env=False) as browser:
            back = (await browser.get(begun["url"])).headers.get("location", "")
        if wish["provider"] == "github":
            back = back.replace("code=", "code=not-")
        if back:
            await do("POST", f"/sign-ins/{begun['id']}/address", {"address": back})
        await followed(me, begun["id"])
    proxy = {"proxyUrl": "http://127.0.0.1:1", "proxyUsername": "user", "proxyPassword": PASSWORD}
    await do("POST", "/sign-ins", {"provider": "builder-id", **proxy})
    await do("POST", "/sign-ins", {"provider": "google", "proxyUrl": f"gopher://user:{PASSWORD}@x"})
    await do("GET", "/sign-ins")
    await do("GET", "/credentials")


async def live_a_day(me: Owner, secrets: Secrets) -> list[str]:
    """Everything that one can do; returns all answers but exports."""
    answers = []

    async def do(method: str, path: str, body=None, **more) -> str:
        answer = await me.ask(method, path, body, **more)
        answers.append(f"{answer.headers} {answer.text}")
        secrets.learn(me.here.simulator.accounts)
        return answer.text

    for number in range(len(TROUBLES) + 3):
        answer = await me.here.post(prompt(f"{WORDS} {number}", stream=number % 2 == 0))
        answers.append(answer.text)
        secrets.learn(me.here.simulator.accounts)
    for key in ("wrong-key-of-somebody-1234", KEY):
        await do("GET", "/credentials", headers={"x-api-key": key})
    made = json.loads(await do("POST", "/keys", {"name": "laptop"}))["secret"]
    answers.pop()  # the one time that it is shown
    secrets.known.add(made)
    await me.here.http.get("/v1/models", headers={"x-api-key": made})
    for number in (1, 2, 3, 4):
        await do("POST", f"/credentials/{number}/refresh")
        await do("GET", f"/credentials/{number}/balance")
    await do("POST", "/credentials", {"refreshToken": MAKE_BELIEVE, "email": "nobody@example.com"})
    await do("POST", "/credentials/import", {"text": MAKE_BELIEVE})
    await do("POST", "/credentials/import", {"data": me.file, "dryRun": True})
    proxy = {"proxyUrl": f"http://user:{PASSWORD}@127.0.0.1:1", "proxyPassword": PASSWORD}
    await do("PATCH", "/credentials/1", proxy)
    await do("POST", "/credentials/1/refresh")
    await sign_in(me, do)
    await do("POST", "/credentials", b"{"[:0].decode() or {"refreshToken": 5})
    await me.ask("POST", "/credentials/export", {"confirm": True})
    for path in ("/credentials", "/config", "/status", "/keys", "/requests", "/usage", "/live", "/models"):
        await do("GET", path)
    answers += [(await me.here.http.get(path)).text for path in ("/metrics", "/healthz", "/readyz", "/")]
    await do("POST", "/reload")
    return answers


def slip(secrets: Secrets) -> None:
    """Somebody logs all that must not be logged, as carelessly as can be."""
    log = structlog.get_logger("careless")
    everything = (
        " ".join(secrets.known) + " some.one@example.com arn:aws:codewhisperer:us-east-1:123456789012:x/Y"
    )
    log.warning(
        "slip",
        text=everything,
        inside={"deep": [everything, everything.encode()]},
        exc_info=ValueError(everything),
    )
    logging.getLogger("library").error("slip: %s", everything)


@pytest.mark.parametrize("form", ["text", "json"])
async def test_a_day_leaves_no_secret_behind(tmp_path, form: str) -> None:
    out = io.StringIO()
    configure_logging("debug", form, out)
    rules = [Rule(Match(nth=(number,)), Reply(status=word)) for number, word in enumerate(TROUBLES, 2)]
    simulator = Simulator(accounts=[*PEOPLE], script=Script(tuple(rules)))
    secrets = Secrets()
    secrets.learn(PEOPLE)
    simulator.sign_in = Listening(simulator.sign_in.accounts)
    simulator.sign_in.overhear(secrets.known)
    async with owner(tmp_path, simulator) as me:
        with trio.fail_after(60):
            answers = await live_a_day(me, secrets)
        slip(secrets)
    log = out.getvalue()
    assert log.count("request_id") > len(TROUBLES)
    assert "token renewed" in log
    assert "wrong admin key" in log
    assert log.count("[redacted]") > 10
    assert log.count("sign-in ended") == 4
    assert len(secrets.known) > 20
    assert secrets.found_in(log) == []
    assert WORDS not in log
    assert "wrong-key-of-somebody" not in log
    assert re.findall(r"[\w.]+@example\.com", log) == []
    assert re.findall(r"arn:aws:codewhisperer:[a-z0-9-]*:\d", log) == []
    everything = "\n".join(answers)
    assert secrets.found_in(everything) == []
    figures = next(answer for answer in answers if "kiro_trio_requests_total" in answer)
    assert "@" not in figures
    assert "arn:" not in figures
