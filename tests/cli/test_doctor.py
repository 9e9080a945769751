"""Set-ups that are broken in one place each, and whether that place is named, with what to do."""

import json
import os
import socket
import ssl
import sys
from contextlib import asynccontextmanager
from email.utils import formatdate
from functools import partial

import pytest
import trio
import trustme

from kiro_trio.cli.examination import Wish, examine
from kiro_trio.cli.findings import Verdict
from kiro_trio.credentials.clock import wall_clock
from kiro_trio.simulator.accounts import Account, ArnRule
from kiro_trio.simulator.refusals import Status
from kiro_trio.simulator.script import Match, Reply, Rule, Script
from kiro_trio.simulator.server import serve_simulator
from kiro_trio.simulator.simulator import Simulator
from tests.cli.program import called, finished, running
from tests.secrecy.listening import read_log
from tests.upstream import proxies

PORT = 1  # of the gateway: nobody listens there


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    for name in os.environ:
        if name.startswith("KIRO"):
            monkeypatch.delenv(name)


@asynccontextmanager
async def kiro(simulator, context=None):
    async with trio.open_nursery() as nursery:
        yield await nursery.start(partial(serve_simulator, simulator, ssl_context=context))
        nursery.cancel_scope.cancel()


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(0o600)


def furnish(folder, entries, **config):
    folder.chmod(0o700)
    write(folder / "config.json", {"apiKey": "sk-dummy-key", "port": PORT, "connectTimeout": 5,
                                   "credentialsFile": str(folder / "credentials.json"), **config})  # fmt: skip
    if entries is not None:
        write(folder / "credentials.json", entries)


async def examined(folder, upstream=None, **wish):
    found = []
    await examine(Wish(folder / "config.json", upstream_url=upstream, **wish), found.append)
    return found


def bad(found):
    return [(finding.check, finding.said) for finding in found if finding.verdict is Verdict.BAD]


def only(found, check, *words):
    """One place is bad, and it is this one; it says these words and what to do."""
    assert {name for name, _ in bad(found)} == {check}, bad(found)
    finding = next(finding for finding in found if finding.verdict is Verdict.BAD)
    assert finding.advice
    for word in words:
        assert word in f"{finding.said} -> {finding.advice}"


async def with_kiro(
    folder, *, words=(), check="", entry=None, rules=(), account=None, config=None, **simulated
):
    """Examine a house with one account, at a Kiro that may have these faults."""
    account = account or Account("one@example.com")
    simulator = Simulator([account], script=Script(tuple(rules)), **simulated)
    furnish(folder, [entry or account.credential()], **(config or {}))
    async with kiro(simulator) as url:
        found = await examined(folder, url)
    if check:
        only(found, check, *words)
    return found, simulator


def refusing(call, status, **headers):
    return Rule(Match(call=call), Reply(status=status))


async def test_nothing_is_bad_where_nothing_is_broken(tmp_path):
    found, simulator = await with_kiro(tmp_path)
    assert bad(found) == []
    assert [finding.check for finding in found if finding.verdict is Verdict.GOOD] == [
        "config", "store", "accounts", "dns", "connect", "token", "usage", *["endpoint"] * 8, "answer",
    ]  # fmt: skip
    asked = [exchange.call for exchange in simulator.seen]
    assert (asked.count("chat"), asked.count("models"), asked.count("refresh")) == (1, 8, 1)
    assert json.loads((tmp_path / "credentials.json").read_text())[0]["accessToken"]  # the new one was kept
    secret = json.loads((tmp_path / "credentials.json").read_text())[0]["refreshToken"]
    assert all(secret not in repr(finding) for finding in found)


async def test_without_an_answer_nothing_is_spent(tmp_path):
    account = Account("one@example.com")
    furnish(tmp_path, [account.credential()])
    simulator = Simulator([account])
    async with kiro(simulator) as url:
        assert bad(await examined(tmp_path, url, model="")) == []
    assert "chat" not in [exchange.call for exchange in simulator.seen]


async def test_a_config_that_is_no_json(tmp_path):
    write(tmp_path / "config.json", '{"port": 1')
    only(await examined(tmp_path), "config", "line 1")


async def test_a_setting_that_cannot_be_used(tmp_path):
    furnish(tmp_path, [], caFile=str(tmp_path / "none.pem"))
    only(await examined(tmp_path), "config", "caFile", "none.pem")


async def test_no_account(tmp_path):
    furnish(tmp_path, None)
    only(await examined(tmp_path), "accounts", "does not exist", "kiro-trio login")


async def test_an_accounts_file_that_is_cut(tmp_path):
    furnish(tmp_path, '[{"refreshToken": "aor')
    only(await examined(tmp_path), "accounts", "credentials.json")


async def test_an_entry_that_cannot_be_used(tmp_path):
    found, _ = await with_kiro(tmp_path, entry={"authMethod": "idc", "refreshToken": "aor" + "x" * 200})
    assert {check for check, _ in bad(found)} == {"accounts"}
    assert "clientId" in str(bad(found))


async def test_files_that_others_may_read(tmp_path):
    account = Account("one@example.com")
    furnish(tmp_path, [account.credential()])
    (tmp_path / "credentials.json").chmod(0o644)
    async with kiro(Simulator([account])) as url:
        found = await examined(tmp_path, url)
    (note,) = [finding for finding in found if "by others" in finding.said]
    assert (note.check, note.verdict) == ("accounts", Verdict.NOTE)
    assert note.advice.startswith("chmod 600 ")


async def test_a_disk_that_takes_nothing_and_no_token_is_risked(tmp_path):
    account = Account("one@example.com")
    furnish(tmp_path, [account.credential()])
    simulator = Simulator([account])
    async with kiro(simulator) as url:
        # a shell's limit on the size of files stands for a full disk, also for root
        command = f'ulimit -f 0; exec "{sys.executable}" -m kiro_trio doctor --json --upstream {url}'
        done = await trio.run_process(
            ["sh", "-c", command], cwd=tmp_path, capture_stdout=True, capture_stderr=True, check=False
        )
    read_log(done.stderr, "stderr of kiro-trio doctor")
    rows = json.loads(done.stdout)
    assert done.returncode == 1
    (store,) = [row for row in rows if row["check"] == "store"]
    assert store["verdict"] == "bad"
    assert "nothing can be written" in store["said"]
    (token,) = [row for row in rows if row["check"] == "token"]
    assert "was not tried" in token["said"]
    assert "refresh" not in [exchange.call for exchange in simulator.seen]


async def test_a_name_that_does_not_resolve(tmp_path):
    furnish(tmp_path, [Account("one@example.com").credential()])
    only(await examined(tmp_path, "http://nowhere.invalid"), "dns", "nowhere.invalid", "resolver")


async def test_a_host_where_nobody_listens(tmp_path):
    furnish(tmp_path, [Account("one@example.com").credential()])
    found = await examined(tmp_path, "http://127.0.0.1:9")
    only(found, "connect", "127.0.0.1:9", "firewall")
    assert [finding.check for finding in found if finding.verdict is Verdict.SKIPPED] == ["account", "clock"]


async def test_a_proxy_that_does_not_run(tmp_path):
    furnish(tmp_path, [Account("one@example.com").credential()], proxyUrl="http://127.0.0.1:9")
    only(await examined(tmp_path, "http://127.0.0.1:10"), "proxy", "proxy http://127.0.0.1:9", "proxyUrl")


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_proxy_that_wants_another_password(tmp_path, kind):
    async with proxies.running(kind) as route:
        url = f"{kind}://{route.proxy.host}:{route.proxy.port}"
        furnish(tmp_path, [Account("one@example.com").credential()], proxyUrl=url, proxyUsername="ann",
                proxyPassword="wrong-dummy")  # fmt: skip
        found = await examined(tmp_path, "http://127.0.0.1:10")
    only(found, "proxy", "another user or password", "proxyPassword")
    assert "wrong-dummy" not in repr(found)


async def test_a_certificate_of_a_stranger_and_the_file_that_helps(tmp_path):
    account, authority = Account("one@example.com"), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    furnish(tmp_path, [account.credential()])
    async with kiro(Simulator([account]), context) as url:
        only(await examined(tmp_path, url), "tls", "certificate is not accepted", "caFile")
        furnish(tmp_path, None, caFile=str(tmp_path / "ca.pem"))
        assert bad(await examined(tmp_path, url)) == []


@pytest.mark.parametrize(
    ("off", "verdict"), [(3600, Verdict.BAD), (-3600, Verdict.BAD), (90, Verdict.NOTE), (0, Verdict.GOOD)]
)
async def test_a_clock_that_is_off(tmp_path, off, verdict):
    date = Status(200, body={"models": []}, headers={"date": formatdate(wall_clock() + off, usegmt=True)})
    found, _ = await with_kiro(tmp_path, rules=[refusing("models", date)])
    (clock,) = [finding for finding in found if finding.check == "clock"]
    assert clock.verdict is verdict
    if verdict is Verdict.BAD:
        assert ("behind" if off > 0 else "ahead") in clock.said
        only(found, "clock", "NTP")


async def test_a_sign_in_that_was_revoked(tmp_path):
    account = Account("one@example.com", revoked=True)
    await with_kiro(tmp_path, account=account, check="token", words=["kiro-trio login"])


async def test_an_api_key_that_is_none(tmp_path):
    found, _ = await with_kiro(tmp_path, entry={"kiroApiKey": "ksk_dummy_of_nobody"})
    assert {check for check, _ in bad(found)} == {"usage", "endpoint"}
    assert all("ksk_dummy" not in repr(finding) for finding in found)


async def test_an_account_that_is_suspended(tmp_path):
    found, _ = await with_kiro(tmp_path, account=Account("one@example.com", suspended=True))
    assert "suspended" in str(bad(found))
    assert any("support" in finding.advice for finding in found)


async def test_a_profile_of_somebody_else(tmp_path):
    account = Account("one@example.com", kind="idc")
    theirs = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABCDEFGHIJKL"
    entry = {**account.credential(), "profileArn": theirs}
    found, _ = await with_kiro(tmp_path, account=account, entry=entry, arn_rule=ArnRule.OWN)
    assert "endpoint" in {check for check, _ in bad(found)}
    assert any("profileArn" in finding.advice for finding in found if finding.verdict is Verdict.BAD)
    assert theirs not in repr(found)


@pytest.mark.parametrize(
    ("row", "words"),
    [("monthly", "credits come back"), ("model", "--model"), ("high-load", "try again")],
)
async def test_an_answer_that_is_refused(tmp_path, row, words):
    await with_kiro(
        tmp_path, check="answer", words=["claude-haiku-4.5", words], rules=[refusing("chat", row)]
    )


async def test_another_program_on_the_port(tmp_path):
    account = Account("one@example.com")
    with socket.create_server(("127.0.0.1", 0)) as other:
        furnish(tmp_path, [account.credential()], port=other.getsockname()[1])

        async def answer(stream):
            await stream.send_all(b"SSH-2.0-OpenSSH_9.9\r\n")
            await stream.aclose()

        listener = trio.SocketListener(trio.socket.from_stdlib_socket(other))
        async with trio.open_nursery() as nursery, kiro(Simulator([account])) as url:
            nursery.start_soon(trio.serve_listeners, answer, [listener])
            only(await examined(tmp_path, url), "gateway", "another port")
            nursery.cancel_scope.cancel()


async def test_an_account_that_is_not_there(tmp_path):
    furnish(tmp_path, [Account("one@example.com").credential()])
    only(await examined(tmp_path, "http://127.0.0.1:9", credential=7), "accounts", "no account 7")


async def test_as_a_user_sees_it(tmp_path):
    """In words, with the exit code, and with another process at the same file."""
    account = Account("one@example.com")
    furnish(tmp_path, [account.credential()])
    (tmp_path / "config.json").unlink()
    async with (
        kiro(Simulator([account])) as url,
        running(tmp_path, "serve", "--port", "0", "--upstream", url) as gateway,
    ):
        await gateway.url()
        code, out, err = await finished(tmp_path, "doctor", "--upstream", url, "--credential", "1")
        assert (code, err) == (0, "")
        assert "ok       answer 1     claude-haiku-4.5 answered" in out
        assert "Nothing is bad." in out


def test_as_a_program_sees_it(tmp_path):
    """As JSON, with the exit code."""
    furnish(tmp_path, [Account("one@example.com").credential()])
    (tmp_path / "config.json").unlink()
    code, out, err = called(tmp_path, "doctor", "--json", "--upstream", "http://127.0.0.1:9")
    assert (code, err) == (1, "")
    (row,) = [row for row in json.loads(out) if row["verdict"] == "bad"]
    assert row["check"] == "connect"
    assert set(row) == {"check", "account", "verdict", "said", "advice"}
