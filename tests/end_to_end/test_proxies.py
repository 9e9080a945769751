"""Everything of an account goes through its proxy: proxies that others wrote, on loopback, with passwords."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from kiro_trio.simulator.accounts import Account
from kiro_trio.simulator.simulator import Simulator
from tests.end_to_end.house import House, house, prompt
from tests.web.served import eventually

USER, PASSWORD = "proxy-user", "proxy-pass-word"


@dataclass
class Running:
    """A proxy program at this address."""

    scheme: str
    port: int

    @property
    def settings(self) -> dict[str, str]:
        return {
            "proxyUrl": f"{self.scheme}://127.0.0.1:{self.port}",
            "proxyUsername": USER,
            "proxyPassword": PASSWORD,
        }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # proxy.py has children that would outlive it


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=["http", "socks5"])
def proxy(request) -> Iterator[Running]:
    port = free_port()
    if request.param == "http":
        pytest.importorskip("proxy", reason="needs proxy.py from PyPI")
        command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", str(port)]
        command += ["--basic-auth", f"{USER}:{PASSWORD}", "--num-workers", "1", "--num-acceptors", "1"]
    else:
        program = shutil.which("microsocks")
        if program is None:
            pytest.skip("needs microsocks (Debian has it)")
        command = [program, "-i", "127.0.0.1", "-p", str(port), "-u", USER, "-P", PASSWORD]
    with running(command):
        trio.run(eventually, lambda: answers(port), 20)
        yield Running(request.param, port)


def accounts(folder: Path, **more: Any) -> Simulator:
    """One account whose entry has these fields."""
    simulator = Simulator(accounts=[Account("one@example.com")])
    (folder / "credentials.json").write_text(json.dumps([{**simulator.accounts[0].credential(), **more}]))
    return simulator


async def ask(here: House) -> tuple[int, str]:
    answer = await here.post(prompt(stream=False))
    return answer.status_code, answer.text


async def test_renewal_and_chat_go_through_the_accounts_proxy(tmp_path, proxy: Running) -> None:
    async with house(tmp_path, accounts(tmp_path, **proxy.settings)) as here:
        assert (await ask(here))[0] == 200
        assert here.simulator.renewals["one@example.com"] == 1


async def test_renewal_and_chat_go_through_the_global_proxy(tmp_path, proxy: Running) -> None:
    options = {"proxy_url": proxy.settings["proxyUrl"], "proxy_username": USER, "proxy_password": PASSWORD}
    async with house(tmp_path, accounts(tmp_path), **options) as here:
        assert (await ask(here))[0] == 200
        assert here.simulator.renewals["one@example.com"] == 1


async def test_a_wrong_password_is_the_proxys_failure_and_is_shown_nowhere(
    tmp_path, proxy: Running, capfd
) -> None:
    wrong = {**proxy.settings, "proxyPassword": "wrong-pass-word"}
    async with house(tmp_path, accounts(tmp_path, **wrong)) as here:
        status, body = await ask(here)
        assert here.simulator.figures.connections == 0
    shown = body + "".join(capfd.readouterr())
    assert status in {502, 503}
    assert "wrong-pass-word" not in shown
    assert PASSWORD not in shown


async def test_direct_bypasses_the_global_proxy(tmp_path) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    async with house(tmp_path, accounts(tmp_path, proxyUrl="direct"), proxy_url=dead) as here:
        assert (await ask(here))[0] == 200


async def test_a_dead_proxy_is_not_gone_round(tmp_path) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    async with house(tmp_path, accounts(tmp_path), proxy_url=dead) as here:
        assert (await ask(here))[0] in {502, 503}
        assert here.simulator.figures.connections == 0


async def test_the_environments_proxy_is_not_ours(tmp_path, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    async with house(tmp_path) as here:
        assert (await ask(here))[0] == 200
