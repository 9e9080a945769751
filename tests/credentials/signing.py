"""Kiro's sign-in services without a network: the simulator's, one per region, behind the interface `SmallCalls`."""

import json
from urllib.parse import parse_qsl, urlsplit

import trio

from kiro_trio.credentials.calls import SmallResponse, Wire
from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.login.desk import Desk
from kiro_trio.simulator import Account, Simulator
from kiro_trio.simulator.answering import Answering
from kiro_trio.simulator.endpoints import Request
from tests.credentials.entries import NOW

BASE = "http://kiro.invalid"


class Kiro:
    """The whole simulator, asked without a socket. `home`: only this region knows start URLs.

    `instead` holds answers that are given first, by path. `calls` are (host, path, proxy), `bodies` what was said.
    """

    def __init__(self, *accounts, home=None, instead=None, **options):
        self.simulator = Simulator(list(accounts), wall=clock, **options)
        self.home = home
        self.instead = instead or {}
        self.calls = []
        self.bodies = []

    async def send(self, call, proxy):
        await trio.lowlevel.checkpoint()
        parts = urlsplit(call.url)
        self.calls.append((parts.netloc, parts.path, proxy))
        self.bodies.append(json.loads(call.body or b"{}"))
        others = self.instead.get(parts.path)
        if others:
            return others.pop(0)
        if parts.path == "/device_authorization" and self.home and f".{self.home}." not in parts.netloc:
            return SmallResponse(
                400, {}, b'{"error": "invalid_request", "error_description": "no such start URL"}'
            )
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {name.lower(): value for name, value in call.headers}
        return ask(self.simulator, Request(call.method, target, headers, call.body))

    def browse(self, url):
        """What a browser is answered: the address it is sent back to."""
        parts = urlsplit(url)
        found = ask(self.simulator, Request("GET", f"{parts.path}?{parts.query}", {}, b""))
        assert found.status == 302, found
        return found.headers["location"]

    @property
    def paths(self):
        return [path for _, path, _ in self.calls]


def ask(simulator, request):
    delivery = Answering(simulator, request, trio.current_time(), 1).delivery
    return SmallResponse(delivery.status, dict(delivery.headers), delivery.body)


def desk(kiro, *, base=None, **options):
    return Desk(kiro, Wire(base=base), Defaults(), clock, machine_id="7" * 64, **options)


def clock():
    """The time of day, going with trio's clock."""
    return NOW + trio.current_time()


def account(name, kind="social", **keys):
    return Account(f"{name}@example.invalid", kind, **keys)


def query(url):
    return dict(parse_qsl(urlsplit(url).query))
