import json
import os
import stat

import httpx
import pytest
import trio
import trio.testing
from click.testing import CliRunner

from kiro_trio.cli.main import main
from kiro_trio.simulator import Account, Simulator
from tests.cli.program import finished, running
from tests.credentials.entries import idc, refresh_token, social
from tests.credentials.foreign import (
    cli_database,
    cli_token,
    ide_cache,
    ide_token,
    managed,
    managed_nested,
    snapshot,
)
from tests.simulator.talk import served

ACCOUNTS = ["a", "b", "c"]


def entries(*names, **keys):
    return [social(name, email=f"{name}@example.invalid", **keys) for name in names]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "KIRO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(folder, *rows):
    (folder / "credentials.json").write_text(json.dumps(list(rows)))


def stored(folder):
    return json.loads((folder / "credentials.json").read_text())


def run(*args, stdin=None, code=0):
    done = CliRunner().invoke(main, ["accounts", *args], input=stdin)
    assert done.exit_code == code, (done.output, done.exception)
    assert "Traceback" not in done.output
    for secret in (*(refresh_token(name) for name in [*ACCOUNTS, "s", "m"]), "client-secret", "ksk_"):
        assert "export" in args or secret not in done.output
    return done


def test_the_table(folder):
    write(
        folder,
        *entries("a", subscriptionTitle="KIRO [red]PRO"),
        idc("b", disabled=True, accessToken="aoaX", expiresAt="2999-01-01T00:00:00Z"),
        {"refreshToken": "aor..."},
    )
    done = run("list", "--offline")
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    assert lines[0].split("  ")[0] == "ID"
    assert len(lines) == 4
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3"]
    assert "a@example.invalid" in lines[1]
    assert "KIRO [red]PRO" in lines[1]
    assert "ready" in lines[1]
    assert "renewed when used" in lines[1]
    assert "was switched off by its owner" in lines[2]
    assert "2999-01-01" in lines[2]
    assert "`refreshToken` is shortened" in lines[3]
    assert all(len(line) < 400 for line in lines)


def test_the_table_as_json(folder, monkeypatch):
    write(folder, *entries("a", priority=4, proxyUrl="http://me:secret-word@p.invalid:1"))
    monkeypatch.setenv("KIRO_API_KEY", "ksk_dummydummydummy")
    said = run("list", "--json", "--offline").stdout
    environment, one = json.loads(said)
    assert (environment["id"], environment["fromEnvironment"]) == (0, True)
    assert (one["id"], one["state"], one["priority"], one["remaining"]) == (1, "ready", 4, None)
    assert one["proxy"] == "http://p.invalid:1"
    assert "secret-word" not in said
    assert not (folder / "credentials.state.json").exists()


def test_names_cannot_speak_to_the_terminal(folder):
    write(folder, social("a", email="a\x1b[2J@x"))
    assert "\x1b" not in run("list", "--offline").stdout


def test_there_are_none_yet(folder):
    assert "`kiro-trio login` makes one" in run("list").stdout
    assert not (folder / "credentials.json").exists()


def test_switching_off_and_on_again(folder):
    write(folder, *entries("a", "b"))
    assert run("disable", "2", "2").stdout == "Account 2 is off.\n"
    assert [entry.get("disabled") for entry in stored(folder)] == [None, True]
    assert run("enable", "1", "2").stdout == "Account 1 is on.\nAccount 2 is on.\n"
    assert [entry.get("disabled") for entry in stored(folder)] == [None, None]


def test_switching_on_forgets_why_it_was_out(folder):
    write(folder, *entries("a", "b"))
    run("disable", "1")
    state = folder / "credentials.state.json"
    memory = json.loads(state.read_text())
    memory["credentials"]["2"]["outs"] = {"SUSPENDED": {"since": 1.0}}
    state.write_text(json.dumps(memory))
    assert json.loads(run("list", "--json", "--offline").stdout)[1]["state"] == "suspended"
    run("enable", "2")
    assert json.loads(run("list", "--json", "--offline").stdout)[1]["state"] == "ready"


def test_editing_changes_what_is_named_and_nothing_else(folder):
    write(folder, *entries("a", "b", note="mine"), social("c"))
    run("list", "--offline")
    before = stored(folder)
    done = run("edit", "2", "1", "--priority", "0", "--concurrency", "4", "--api-region", "eu-central-1")
    assert done.stdout == (
        "Account 2 is changed: priority, concurrency, api-region.\n"
        "Account 1 is changed: priority, concurrency, api-region.\n"
    )
    new = {"priority": 0, "concurrency": 4, "apiRegion": "eu-central-1"}
    assert stored(folder) == [{**before[0], **new}, {**before[1], **new}, before[2]]
    everything = {
        "email": "x@example.invalid",
        "region": "us-east-1",
        "auth-region": "us-west-2",
        "endpoint": "cli",
    }
    run("edit", "3", *[word for name, value in everything.items() for word in (f"--{name}", value)])
    assert stored(folder)[2] == {
        **before[2],
        "email": "x@example.invalid",
        "region": "us-east-1",
        "authRegion": "us-west-2",
        "endpoint": "cli",
    }
    run(
        "edit",
        "1",
        "2",
        "3",
        *[f"--unset={name}" for name in ("priority", "concurrency", "api-region", "region")],
    )
    assert "priority" not in stored(folder)[0]
    assert "region" not in stored(folder)[2]


def test_a_proxys_password_goes_with_its_proxy(folder):
    write(folder, *entries("a"))
    proxy = ("--proxy", "http://proxy.invalid:3128", "--proxy-username", "me", "--proxy-password")
    done = run("edit", "1", *proxy, stdin="hunter2-of-the-proxy\n")
    assert done.stdout == "Account 1 is changed: proxy, proxy-username, proxy-password.\n"
    assert "hunter2" not in done.output
    [entry] = stored(folder)
    assert (entry["proxyUsername"], entry["proxyPassword"]) == ("me", "hunter2-of-the-proxy")
    run("edit", "1", "--proxy-username", "you")
    assert stored(folder)[0]["proxyPassword"] == "hunter2-of-the-proxy"
    run("edit", "1", "--proxy", "direct")
    [entry] = stored(folder)
    assert (entry["proxyUrl"], "proxyUsername" in entry, "proxyPassword" in entry) == ("direct", False, False)
    run("edit", "1", *proxy, stdin="hunter2-of-the-proxy\n")
    run("edit", "1", "--unset", "proxy")
    assert not [key for key in stored(folder)[0] if key.startswith("proxy")]


def test_the_environments_account_cannot_be_edited(folder, monkeypatch):
    monkeypatch.setenv("KIRO_API_KEY", "ksk_dummydummydummy")
    assert "it is in no file" in run("edit", "0", "--priority", "1", code=2).stderr


async def test_a_running_gateway_takes_up_what_was_edited(tmp_path):
    """The account that was last in the order is the first one now."""
    people = [person("a"), person("b")]
    write(tmp_path, *[one.credential() for one in people])
    simulator = Simulator(people)
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    async with served(simulator) as (base, _):
        environ = {"KIRO_TRIO_API_KEY": "sk-dummy-key", "KIRO_TRIO_PORT": "0"}
        async with running(tmp_path, "serve", "--upstream", base, **environ) as gateway:
            url = await gateway.url()
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
                headers = {"x-api-key": "sk-dummy-key"}
                await http.post("/v1/messages", json=body, headers=headers)
                code, _, err = await finished(tmp_path, "accounts", "edit", "2", "--priority", "-1")
                assert (code, "--priority" in err) == (2, True)
                code, _, err = await finished(tmp_path, "accounts", "edit", "1", "--priority", "9")
                assert code == 0, err
                with trio.fail_after(30):
                    while simulator.seen[-1].account != people[1].email:
                        await http.post("/v1/messages", json=body, headers=headers)
            assert await gateway.stop() == 0
    assert stored(tmp_path)[0]["priority"] == 9


def test_removing_wants_a_yes(folder):
    write(folder, *entries("a", "b", "c"))
    assert "add --yes" in run("remove", "2", code=2).stderr
    assert len(stored(folder)) == 3
    assert run("remove", "3", "1", "--yes").stdout == "Account 3 is removed.\nAccount 1 is removed.\n"
    assert [entry["id"] for entry in stored(folder)] == [2]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("remove", "9", "--yes"), "there is no account 9"),
        (("enable", "9"), "there is no account 9"),
        (("check", "9"), "there is no account 9"),
        (("export", "x.json", "9", "--yes"), "there is no account 9"),
        (("enable",), "Missing argument"),
        (("import",), "name a file, or --scan"),
        (("add",), "name one of --api-key and --refresh-token"),
        (("add", "--api-key", "--client-id", "c"), "has no --client-id"),
        (("add", "--api-key"), "stdin must hold 1 line(s): API key"),
        (("export", "x.json"), "add --yes"),
        (("nonsense",), "No such command"),
        (("edit", "9", "--priority", "1"), "there is no account 9"),
        (("edit", "1"), "say what to change"),
        (("edit", "--priority", "1"), "Missing argument"),
        (("edit", "1", "--priority", "-1"), "Invalid value for '--priority'"),
        (("edit", "1", "--concurrency", "0"), "Invalid value for '--concurrency'"),
        (("edit", "1", "--region", "mars"), "`region` is not a region"),
        (("edit", "1", "--endpoint", "x"), "`endpoint` must be one of"),
        (("edit", "1", "--proxy", "gopher://x"), "`proxyUrl` must be"),
        (("edit", "1", "--email", ""), "--unset email takes it away"),
        (("edit", "1", "--email", "x", "--unset", "email"), "contradict each other"),
        (("edit", "1", "--unset", "refreshToken"), "Invalid value for '--unset'"),
        (("edit", "1", "--proxy-password"), "stdin must hold a line"),
        (("list", "--upstream", "x"), "--upstream must be an address"),
    ],
)
def test_what_is_asked_wrongly(folder, args, said):
    write(folder, *entries("a"))
    done = run(*args, code=2, stdin="")
    assert said in done.stderr
    assert done.stdout == ""
    assert len(stored(folder)) == 1


@pytest.mark.parametrize(
    "args", [("list",), ("enable", "1"), ("check",), ("import", "x.json"), ("export", "y", "--yes")]
)
def test_a_broken_file_is_one_sentence(folder, args):
    (folder / "credentials.json").write_text('[{"a": ')
    (folder / "x.json").write_text(json.dumps(social("a")))
    done = run(*args, code=2)
    assert done.stderr.startswith("Error: ")
    assert "credentials.json: is not JSON" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (folder / "credentials.json").read_text() == '[{"a": '


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_cannot_be_written_is_one_sentence(folder):
    write(folder, *entries("a"))
    (folder / "credentials.json").chmod(0o400)
    folder.chmod(0o500)
    try:
        assert "Error: " in run("disable", "1", code=1).stderr
    finally:
        folder.chmod(0o700)


def test_the_environments_account_is_not_in_the_file(folder, monkeypatch):
    monkeypatch.setenv("KIRO_API_KEY", "ksk_dummydummydummy")
    assert "take the variable away" in run("disable", "0", code=2).stderr
    assert "no accounts" in run("export", "x.json", "--yes", code=1).stderr


def test_an_export_is_for_its_owner_alone(folder):
    write(folder, *entries("a", "b", mine="kept"))
    run("export", "out.json", "2", "--yes")
    [entry] = json.loads((folder / "out.json").read_text())
    assert (entry["refreshToken"], entry["mine"]) == (refresh_token("b"), "kept")
    assert stat.S_IMODE((folder / "out.json").stat().st_mode) == 0o600
    assert "is there already: add --force" in run("export", "out.json", "--yes", code=1).stderr
    (folder / "out.json").chmod(0o644)
    run("export", "out.json", "--yes", "--force")
    assert len(json.loads((folder / "out.json").read_text())) == 2
    assert stat.S_IMODE((folder / "out.json").stat().st_mode) == 0o600
    assert len(json.loads(run("export", "-", "--yes").stdout)) == 2


def test_an_export_can_be_imported(folder):
    write(folder, *entries("a", "b"))
    run("export", "out.json", "--yes")
    args = ("import", "out.json", "--credentials", "other.json", "--json")
    assert [row["fate"] for row in json.loads(run(*args).stdout)] == ["added", "added"]
    assert json.loads((folder / "other.json").read_text()) == stored(folder)
    assert [row["fate"] for row in json.loads(run(*args).stdout)] == ["skipped", "skipped"]


def made_up_stores(home):
    """One of each kind."""
    ide_cache(home, ide_token("a"))
    cli_database(
        home / ".local/share/kiro-cli/data.sqlite3",
        {"kirocli:social:token": cli_token("s"), "kirocli:external-idp:token": {"x": 1}},
        wal=True,
    ).close()
    (home / "Downloads").mkdir()
    export = {"version": "1.8", "accounts": [managed("m"), managed_nested("a"), managed("x", status="error")]}
    (home / "Downloads" / "kiro-accounts-2026-09-21.json").write_text(json.dumps(export))


def test_a_scan_says_what_it_would_do_and_does_nothing(folder, monkeypatch):
    home = folder / "home"
    made_up_stores(home)
    monkeypatch.setenv("HOME", str(home))
    before = snapshot(home)
    done = run("import", "--scan", "--dry-run", "--json", code=1)
    rows = json.loads(done.stdout)
    assert [(row["source"], row["fate"]) for row in rows] == [
        ("Kiro IDE", "add"),
        ("kiro-cli", "add"),
        ("kiro-cli", "cannot"),
        ("account manager", "add"),
        ("account manager", "skip"),
        ("account manager", "cannot"),
    ]
    assert rows[3]["email"] == "m@example.invalid"
    assert rows[4]["reason"] == "is the same account as one above"
    assert "external-idp" in rows[2]["reason"]
    assert rows[5]["reason"] == "its account manager has it as error"
    assert not (folder / "credentials.json").exists()
    table = run("import", "--scan", "--dry-run", code=1).stdout.splitlines()
    assert table[0].split()[0] == "#"
    assert table[1].split()[:3] == ["1", "Kiro", "IDE"]
    assert snapshot(home) == before


def test_a_scan_takes_what_can_be_taken_and_warns(folder, monkeypatch):
    home = folder / "home"
    made_up_stores(home)
    monkeypatch.setenv("HOME", str(home))
    before = snapshot(home)
    done = run("import", "--scan", code=1)
    assert "Warning: Kiro IDE and kiro-cli will go on renewing the same tokens" in done.stderr
    assert [entry["refreshToken"] for entry in stored(folder)] == [refresh_token(name) for name in "asm"]
    assert [entry["id"] for entry in stored(folder)] == [1, 2, 3]
    assert stat.S_IMODE((folder / "credentials.json").stat().st_mode) == 0o600
    assert snapshot(home) == before


def test_rows_can_be_picked(folder):
    (folder / "x.json").write_text(json.dumps(entries("a", "b", "c")))
    assert "there is no row 4" in run("import", "x.json", "--pick", "4", code=2).stderr
    run("import", "x.json", "--pick", "2")
    assert [entry["refreshToken"] for entry in stored(folder)] == [refresh_token("b")]


def test_another_sign_in_is_taken_only_if_that_is_wanted(folder):
    write(folder, *entries("a", priority=5))
    (folder / "x.json").write_text(json.dumps(social("b", email="a@example.invalid")))
    done = run("import", "x.json")
    assert "--replace takes this one instead" in done.stdout
    assert stored(folder)[0]["refreshToken"] == refresh_token("a")
    run("import", "x.json", "--replace")
    [entry] = stored(folder)
    assert (entry["refreshToken"], entry["priority"]) == (refresh_token("b"), 5)


def test_a_single_object_becomes_a_list(folder):
    (folder / "credentials.json").write_text(json.dumps(social("a")))
    run("import", "-", stdin=json.dumps(social("b")))
    assert [entry["id"] for entry in stored(folder)] == [1, 2]


def test_sources_that_cannot_be_read(folder):
    (folder / "x.txt").write_text("hello")
    done = run("import", "x.txt", "none.json", code=1)
    assert done.stderr == (
        "x.txt is neither JSON nor a SQLite database.\nnone.json cannot be read: No such file or directory.\n"
    )
    assert "No accounts were found in the usual places" in run("import", "--scan", code=1).stderr


def test_a_key_is_added_without_being_tried(folder):
    key = "ksk_" + "k" * 20
    done = run("add", "--api-key", "--no-check", "--priority", "3", "--endpoint", "cli", stdin=f" {key}\n")
    assert done.stdout == "Stored as account 1 in credentials.json.\n"
    [entry] = stored(folder)
    assert (entry["kiroApiKey"], entry["priority"], entry["endpoint"]) == (key, 3, "cli")
    assert "is there already, as credential 1" in run("add", "--api-key", stdin=key, code=1).stderr
    assert "endpoint" in run("add", "--api-key", "--endpoint", "x", stdin="ksk_other", code=2).stderr
    assert "shortened" in run("add", "--refresh-token", "--no-check", stdin="aor...", code=2).stderr


def person(name, kind="social", **keys):
    return Account(f"{name}@example.invalid", kind, **{"used": 250.0, "next_reset": 1_790_812_800.0, **keys})


async def test_accounts_are_tried(tmp_path):
    people = [person("a"), person("b", "idc"), person("c", revoked=True), person("d", "api-key")]
    rows = [{**one.credential(), "email": None} for one in people]
    rows[1] |= {"profileArn": None, "provider": "Enterprise"}
    write(tmp_path, *rows)
    simulator = Simulator(people, rotate_refresh_tokens=True)
    async with served(simulator) as (base, _):
        code, out, err = await finished(
            tmp_path, "accounts", "check", "--upstream", base, KIRO_TRIO_LOG_LEVEL="info"
        )
        assert (code, err) == (1, "")
        lines = out.splitlines()
        left = "KIRO PRO, 750 of 1000 credits left until 2026-10-01"
        assert lines[:2] == [f"{n}  {name}@example.invalid  {left}" for n, name in ((1, "a"), (2, "b"))]
        assert "the refresh token is no longer valid (HTTP 400, invalid_grant)" in lines[2]
        assert lines[3].startswith("4  d@example.invalid  ")
        kept = stored(tmp_path)
        assert [entry["refreshToken"] for entry in kept[:2]] == [one.refresh_token for one in people[:2]]
        assert kept[1]["profileArn"] == people[1].profile_arn
        assert kept[0]["email"] == "a@example.invalid"
        assert kept[0]["subscriptionTitle"] == "KIRO PRO"
        code, out, _ = await finished(tmp_path, "accounts", "list", "--json", "--upstream", base)
        assert code == 0
        listed = json.loads(out)
        assert [one["remaining"] for one in listed] == [750.0, 750.0, None, 750.0]
        assert [one["state"] for one in listed] == ["ready", "ready", "revoked", "ready"]
        renewals = people[0].renewals
        code, out, _ = await finished(tmp_path, "accounts", "check", "1", "--json", "--upstream", base)
        assert (code, json.loads(out)[0]["ok"]) == (0, True)
        assert people[0].renewals == renewals


async def test_added_accounts_are_tried_and_bad_ones_not_kept(tmp_path):
    good, bad = person("a"), person("c", revoked=True)
    async with served(Simulator([good, bad])) as (base, _):
        for one, code, said in ((good, 0, "750 of 1000"), (bad, 1, "Error: the account was not kept: ")):
            (tmp_path / "token").write_text(one.refresh_token + "\n")
            with (tmp_path / "token").open() as stdin:
                args = ("accounts", "add", "--refresh-token", "--upstream", base)
                async with running(tmp_path, *args, stdin=stdin.fileno()) as program:
                    with trio.fail_after(30):
                        assert await program.process.wait() == code
                    await trio.testing.wait_all_tasks_blocked()
                said_all = (program.out + program.err).decode()
                assert said in said_all
                assert one.refresh_token not in said_all
    assert [entry["refreshToken"] for entry in stored(tmp_path)] == [good.refresh_token]


async def test_imported_accounts_can_be_tried_at_once(tmp_path):
    one = person("a")
    (tmp_path / "x.json").write_text(json.dumps(one.credential()))
    async with served(Simulator([one])) as (base, _):
        code, out, err = await finished(
            tmp_path, "accounts", "import", "x.json", "--check", "--upstream", base
        )
    assert code == 0
    assert "added" in out
    assert "1  a@example.invalid  KIRO PRO, 750 of 1000 credits left" in err
    assert stored(tmp_path)[0]["accessToken"] in one.tokens


async def test_all_of_it_works_beside_a_running_gateway(tmp_path):
    people = [person("a"), person("b")]
    write(tmp_path, people[0].credential())
    (tmp_path / "x.json").write_text(json.dumps(people[1].credential()))
    simulator = Simulator(people, rotate_refresh_tokens=True)
    async with served(simulator) as (base, _):
        environ = {"KIRO_TRIO_API_KEY": "sk-dummy-key", "KIRO_TRIO_PORT": "0"}
        async with running(tmp_path, "serve", "--upstream", base, **environ) as gateway:
            await gateway.url()
            with trio.fail_after(30):  # the gateway renews it ahead of time
                await simulator.wait_until(lambda: people[0].renewals == 1)
            for args in (("import", "x.json"), ("check",), ("disable", "1")):
                code, _, err = await finished(tmp_path, "accounts", *args, "--upstream", base)
                assert code == 0, err
            assert await gateway.stop() == 0
    kept = stored(tmp_path)
    assert [entry["refreshToken"] for entry in kept] == [one.refresh_token for one in people]
    assert kept[0]["disabled"] is True
    assert all(one.renewals == 1 for one in people)
