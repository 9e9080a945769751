"""Kiro's small calls without a network: what the simulator says to sign-ins, behind the interface `SmallCalls`."""

import json
from contextlib import asynccontextmanager

import trio

from kiro_trio.credentials.calls import SmallResponse
from kiro_trio.credentials.keeper import Keeper, KeeperOptions
from kiro_trio.credentials.state import StateFile, state_path
from kiro_trio.credentials.store import FileStore
from kiro_trio.simulator.accounts import Account, Accounts
from kiro_trio.simulator.answers import profiles
from kiro_trio.simulator.signin import SignIn
from tests.credentials.entries import NOW

RENEWALS = ("/refreshToken", "/token")


class Service:
    """Accounts whose refresh tokens die with their use. A call takes `latency` seconds; it takes effect half-way.

    `instead` holds answers that are given first, by path, in the place of the right ones. `calls` are those that came.
    """

    def __init__(self, *accounts, latency=1.0, lifetime=3600.0, rotate=True):
        self.accounts = Accounts(list(accounts))
        self.sign_in = SignIn(self.accounts, rotate=rotate, lifetime=lifetime)
        self.latency = latency
        self.instead = {}
        self.calls = []
        self.reset = NOW + 600

    @property
    def renewals(self):
        return sum(path in RENEWALS for path, _ in self.calls)

    async def send(self, call, proxy):
        path = call.url.split("?")[0].partition("://")[2].partition("/")[2].join("/ ").strip()
        path = (
            path if call.method == "GET" or path != "/" else dict(call.headers)["x-amz-target"].split(".")[-1]
        )
        self.calls.append((path, proxy))
        await trio.sleep(self.latency / 2)
        others = self.instead.get(path)
        answer = others.pop(0) if others else self._answer(path, call)
        await trio.sleep(self.latency / 2)
        return answer

    def _answer(self, path, call):
        body, now = json.loads(call.body or b"{}"), trio.current_time()
        if path == "/refreshToken":
            return response(self.sign_in.refresh(body, now))
        if path == "/token":
            return response(self.sign_in.token(body, now))
        account = self.accounts.of_bearer(dict(call.headers)["authorization"].removeprefix("Bearer "), now)
        if account is None:
            return SmallResponse(
                403, {}, b'{"message": "The bearer token included in the request is invalid."}'
            )
        if path == "ListAvailableProfiles":
            return response(profiles(account))
        assert path == "/getUsageLimits"
        usage = {"nextDateReset": self.reset, "subscriptionInfo": {"subscriptionTitle": account.plan}}
        return response({**usage, "userInfo": {"email": account.email}})


def response(answer):
    """A `SmallResponse` from what the simulator's functions return."""
    if isinstance(answer, dict):
        return SmallResponse(200, {}, json.dumps(answer).encode())
    body = answer.body or {"message": answer.message, "reason": answer.reason}
    return SmallResponse(answer.code, {}, json.dumps(body).encode())


def refusal(status, code=None, **headers):
    body = {"error": code} if code else {"message": "no"}
    return SmallResponse(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()
    )


def account(name, **keys):
    return Account(f"{name}@example.invalid", **keys)


@asynccontextmanager
async def keeping(path, service, *entries, **options):
    """A keeper at work over a file; `entries` are written to it first."""
    if entries:
        path.write_text(json.dumps(list(entries)))
    keeper = await new_keeper(path, service, **options)
    async with trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        yield keeper
        nursery.cancel_scope.cancel()


async def new_keeper(path, service, **options):
    options = KeeperOptions(**options)
    store = FileStore(path, options.defaults)
    await store.open()
    return Keeper(store, StateFile(state_path(store.path)), service, options, clock=clock)


def clock():
    """The time of day, going with trio's clock."""
    return NOW + trio.current_time()
