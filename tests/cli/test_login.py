import json
import re
import signal
import socket
import stat
import subprocess
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import trio
from click.testing import CliRunner

from kiro_trio.cli.main import main
from kiro_trio.simulator import Account, ArnRule, Simulator
from tests.cli.program import finished, running
from tests.simulator.talk import served

PIPE = subprocess.PIPE


def account(kind="builder-id", **keys):
    return Account(f"{kind}@example.invalid", kind, **{"used": 12.5, "next_reset": 1_790_812_800.0, **keys})


def confirmed(*accounts, **options):
    """A simulated Kiro whose person has confirmed before it is asked for the first time."""
    simulator = Simulator([*accounts], **options)
    simulator.sign_in.pending_polls = 0
    return simulator


def stored(folder):
    return json.loads((folder / "credentials.json").read_text())


def secrets_of(entry):
    return [entry[key] for key in ("accessToken", "refreshToken", "clientSecret") if key in entry]


async def browse(url):
    """What a browser does: it goes where it is sent."""
    async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as client:
        return await client.get(url)


async def shown(program):
    """The address that is to be opened."""
    return (await program.said("  http", "err")).strip()


async def test_a_builder_id_from_the_code_to_the_file(tmp_path):
    simulator = Simulator([account()], arn_rule=ArnRule.OWN)
    simulator.sign_in.pending_polls = 10_000
    async with (
        served(simulator) as (base, _),
        running(
            tmp_path, "login", "--builder-id", "--upstream", base, "--qr", PYTHONIOENCODING="utf-8"
        ) as program,
    ):
        url = await shown(program)
        assert url.startswith(f"{base}/device?user_code=")
        await program.said(f"code  {url.rpartition('=')[2]}", "err")
        await program.said("Waiting for you, at most 10 minutes", "err")
        assert (await browse(url)).status_code == 200
        assert await program.process.wait() == 0
    said, err = program.out.decode(), program.err.decode()
    assert said == (
        "builder-id@example.invalid: KIRO PRO, 987.5 of 1000 credits left until 2026-10-01.\n"
        "Stored as account 1 in credentials.json.\n"
    )
    assert "▀" in err
    [entry] = stored(tmp_path)
    assert entry["refreshToken"] == simulator.accounts[0].refresh_token
    assert entry["email"] == "builder-id@example.invalid"
    assert entry["subscriptionTitle"] == "KIRO PRO"
    assert entry["provider"] == "BuilderId"
    assert not [secret for secret in secrets_of(entry) if secret in said + err]
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


async def test_who_signs_in_again_is_replaced(tmp_path):
    one = account()
    old = {**one.credential(), "refreshToken": "aor" + "o" * 120, "provider": "BuilderId", "priority": 7}
    (tmp_path / "credentials.json").write_text(json.dumps([old]))
    async with served(confirmed(one)) as (base, _):
        code, out, _ = await finished(tmp_path, "login", "--builder-id", "--upstream", base)
    assert code == 0
    assert "Account 1 in credentials.json was there already and has the new sign-in now." in out
    [entry] = stored(tmp_path)
    assert entry["refreshToken"] == one.refresh_token
    assert entry["priority"] == 7


async def test_an_organisation_with_its_profile(tmp_path):
    one = account("idc")
    async with served(confirmed(one, arn_rule=ArnRule.OWN)) as (base, _):
        code, out, err = await finished(
            tmp_path,
            "login",
            "--idc",
            "https://d-1.awsapps.com/start/#/",
            "--upstream",
            base,
            "--priority",
            "2",
        )
    assert code == 0, err
    assert "Looking for the region" in err
    [entry] = stored(tmp_path)
    assert entry["profileArn"] == one.profile_arn
    assert entry["startUrl"] == "https://d-1.awsapps.com/start"
    assert (entry["region"], entry["priority"]) == ("us-east-1", 2)
    assert "1 in credentials.json" in out


@pytest.mark.parametrize("provider", ["google", "github"])
async def test_a_social_account_in_a_browser_of_this_machine(tmp_path, provider):
    one = account("social")
    async with (
        served(Simulator([one])) as (base, _),
        running(tmp_path, "login", f"--{provider}", "--port", "0", "--upstream", base) as program,
    ):
        url = await shown(program)
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["idp"].lower() == provider
        port = urlsplit(asked["redirect_uri"]).port
        mine = f"http://127.0.0.1:{port}"
        assert (await browse(mine)).status_code == 404
        foreign = await browse(f"{mine}/oauth/callback?code=x&state=y")
        assert foreign.status_code == 400
        assert "another sign-in" in foreign.text
        page = await browse(url)
        assert page.status_code == 200
        assert "You may close this window" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert await program.process.wait() == 0
        with pytest.raises(OSError, match=r"."):
            await trio.open_tcp_stream("127.0.0.1", port)
    [entry] = stored(tmp_path)
    assert entry["refreshToken"] == one.refresh_token
    assert entry["provider"].lower() == provider
    assert "clientId" not in entry
    assert asked["state"] not in program.out.decode()


async def test_a_social_account_in_a_browser_somewhere_else(tmp_path):
    one = account("social")
    async with (
        served(Simulator([one])) as (base, _),
        running(tmp_path, "login", "--google", "--port", "0", "--upstream", base, stdin=PIPE) as program,
    ):
        url = await shown(program)
        async with httpx.AsyncClient(trust_env=False) as client:
            back = (await client.get(url)).headers["location"]
        stdin = program.process.stdin
        await stdin.send_all(b"\nhttp://127.0.0.1/oauth/callback?code=a&state=b\n")
        await program.said("That is not it: it belongs to another sign-in", "err")
        await stdin.send_all(f"  {back}\n".encode())
        assert await program.process.wait() == 0
    assert stored(tmp_path)[0]["refreshToken"] == one.refresh_token


async def test_an_organisation_in_a_browser(tmp_path):
    one = account("idc")
    args = ("--idc", "https://d-1.awsapps.com/start", "--region", "eu-west-1", "--browser")
    async with (
        served(Simulator([one])) as (base, _),
        running(tmp_path, "login", *args, "--upstream", base) as program,
    ):
        assert (await browse(await shown(program))).status_code == 200
        assert await program.process.wait() == 0
    [entry] = stored(tmp_path)
    assert entry["region"] == "eu-west-1"
    assert entry["clientId"]


async def test_the_provider_says_no_in_the_browser(tmp_path):
    async with (
        served(Simulator([account("social")])) as (base, _),
        running(tmp_path, "login", "--google", "--port", "0", "--upstream", base) as program,
    ):
        asked = dict(parse_qsl(urlsplit(await shown(program)).query))
        await browse(f"{asked['redirect_uri']}?error=access_denied&state={asked['state']}")
        assert await program.process.wait() == 1
    assert program.err.decode().endswith("Error: the sign-in was refused: access_denied\n")
    assert not (tmp_path / "credentials.json").exists()


@pytest.mark.parametrize(("way", "number"), [("--builder-id", signal.SIGINT), ("--github", signal.SIGTERM)])
async def test_it_can_be_given_up(tmp_path, way, number):
    simulator = Simulator([account()])
    simulator.sign_in.pending_polls = 10_000
    async with (
        served(simulator) as (base, _),
        running(
            tmp_path, "login", way, "--upstream", base, *(("--port", "0") if way == "--github" else ())
        ) as program,
    ):
        await program.said("Waiting for you", "err")
        assert await program.stop(number) == 130
    assert program.err.decode().endswith("Error: given up; nothing was stored\n")
    assert "Traceback" not in program.err.decode()
    assert not (tmp_path / "credentials.json").exists()


async def test_a_suspended_account_is_not_stored(tmp_path):
    async with served(confirmed(account(suspended=True))) as (base, _):
        code, out, err = await finished(tmp_path, "login", "--builder-id", "--upstream", base)
    assert (code, out) == (1, "")
    assert re.search(r"\nError: the account was not stored, for Kiro does not let it in: .*suspended", err)
    assert not (tmp_path / "credentials.json").exists()


async def test_nobody_at_the_other_end(tmp_path):
    code, out, err = await finished(
        tmp_path, "login", "--builder-id", "--upstream", "http://127.0.0.1:9", HTTP_PROXY="http://no.invalid"
    )
    assert (code, out) == (1, "")
    assert err.startswith(
        "Error: the registration in us-east-1 failed: no connection to Kiro could be opened"
    )
    assert err.count("\n") == 1


async def test_a_broken_accounts_file_is_told_before_anybody_signs_in(tmp_path):
    (tmp_path / "credentials.json").write_text("{")
    async with served(Simulator([account()])) as (base, _):
        code, _, err = await finished(tmp_path, "login", "--builder-id", "--upstream", base)
    assert code == 2
    assert re.fullmatch(r"Error: .*credentials\.json: is not JSON.*\n", err)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "name one of --builder-id"),
        (("--google", "--github"), "name one of --builder-id"),
        (("--idc", "http://x.example/start"), "must begin with https://"),
        (("--builder-id", "--region", "mars"), "is not a region"),
        (("--builder-id", "--proxy", "ftp://x"), "must be `direct` or begin with"),
        (("--idc", "https://d-1.awsapps.com/start", "--browser"), "--browser needs --region"),
        (("--google", "--port", "70000"), "is not in the range"),
        (("--google", "--upstream", "kiro"), "--upstream must be an address"),
    ],
)
def test_what_is_asked_wrongly_is_one_sentence_and_exit_code_2(tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["login", *args])
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_taken_port_names_the_way_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(main, ["login", "--google", "--port", port])
    assert done.exit_code == 1
    assert done.stderr == f"Error: port {port} of this machine is taken: name another with --port\n"
