import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiro_trio.credentials.credential import AccountKind
from kiro_trio.credentials.entry import read_entry
from kiro_trio.credentials.imports.candidate import Candidate, Source
from kiro_trio.credentials.imports.database import Unreadable
from kiro_trio.credentials.imports.kirocli import read_rows
from kiro_trio.credentials.imports.objects import normal_entry, read_objects
from kiro_trio.credentials.imports.places import usual_places
from kiro_trio.credentials.imports.plan import Fate, plan_import
from kiro_trio.credentials.imports.sources import read_source, scan
from kiro_trio.credentials.ledger import LINEAGE
from tests.credentials.entries import ENDPOINTS, NOW, idc, refresh_token, social
from tests.credentials.foreign import (
    BUILDER_ID,
    HASH,
    ORGANISATION_ARN,
    cli_database,
    cli_registration,
    cli_token,
    ide_cache,
    ide_token,
    managed,
    managed_nested,
    registration,
    snapshot,
)


def read(candidate):
    return read_entry(candidate.entry, 1, ENDPOINTS)


def only(path):
    [candidate] = read_source(path)
    return candidate


def test_the_ides_social_token(tmp_path):
    found = only(ide_cache(tmp_path, ide_token("a", profileArn=ORGANISATION_ARN)))
    assert (found.source, found.problem) == (Source.KIRO_IDE, "")
    assert found.entry == {
        "accessToken": "aoa-a",
        "refreshToken": refresh_token("a"),
        "expiresAt": "2026-09-21T15:00:00.000Z",
        "authMethod": "social",
        "provider": "Google",
        "profileArn": ORGANISATION_ARN,
    }


def test_the_ides_builder_id_with_its_client(tmp_path):
    found = only(ide_cache(tmp_path, ide_token("a", "idc"), registration()))
    assert found.problem == ""
    assert read(found).flaw == ""
    assert read(found).kind is AccountKind.BUILDER_ID
    assert read(found).client_id == "client-ide"
    assert found.entry["clientSecretExpiresAt"] == "2026-12-01T00:00:00.000Z"
    assert found.entry["expiresAt"] == "2026-09-21T15:00:00.000Z"
    assert found.entry["region"] == "us-east-1"
    assert "clientIdHash" not in found.entry


@pytest.mark.parametrize("name", [HASH, "../../../etc/passwd", "", "a" * 129, 7, None, "a/b"])
def test_the_ides_client_is_not_there(tmp_path, name):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "passwd.json").write_text(json.dumps(registration()))
    found = only(ide_cache(tmp_path, ide_token("a", "idc", clientIdHash=name)))
    assert "clientIdHash" in found.problem
    assert "clientSecret" not in found.entry


def test_a_company_login_is_not_supported(tmp_path):
    found = only(ide_cache(tmp_path, ide_token("a", authMethod="external_idp")))
    assert "not supported" in read(found).flaw


def test_the_rows_of_kiro_cli():
    auth = {
        "kirocli:social:token": cli_token("s"),
        "kirocli:odic:token": cli_token("o", "https://d-1.awsapps.com/start"),
        "kirocli:odic:device-registration": cli_registration("o"),
        "codewhisperer:odic:token": cli_token("q", BUILDER_ID),
        "codewhisperer:odic:device-registration": cli_registration("q"),
        "kirocli:external-idp:token": cli_token("x"),
        "something:else": {},
    }
    state = {"api.codewhisperer.profile": {"arn": ORGANISATION_ARN, "profile_name": "P"}}
    rows = read_rows(*({key: json.dumps(value) for key, value in table.items()} for table in (auth, state)))
    by_place = {row.place: row for row in rows}
    assert len(rows) == 4
    one = by_place["kirocli:social:token"]
    assert (one.source, one.problem, read(one).flaw) == (Source.KIRO_CLI, "", "")
    assert one.entry["expiresAt"] == "2026-09-21T15:00:00.123Z"
    assert one.entry["provider"] == "Github"
    assert one.entry["profileArn"].endswith("profile/X")
    one = by_place["kirocli:odic:token"]
    assert read(one).flaw == ""
    assert read(one).kind is AccountKind.ORGANISATION
    assert one.entry["profileArn"] == ORGANISATION_ARN
    assert one.entry["region"] == "eu-west-1"
    assert one.entry["clientSecretExpiresAt"] == "2026-12-01T00:00:00.000Z"
    one = by_place["codewhisperer:odic:token"]
    assert (one.source, read(one).flaw) == (Source.AMAZON_Q, "")
    assert read(one).kind is AccountKind.BUILDER_ID
    assert "profileArn" not in one.entry
    assert "not supported" in by_place["kirocli:external-idp:token"].problem


def test_the_other_spelling_and_secrets_that_are_elsewhere():
    auth = {"kirocli:oidc:token": json.dumps(cli_token("o", BUILDER_ID))}
    [row] = read_rows(auth, {})
    assert "keychain" in row.problem
    auth["kirocli:oidc:device-registration"] = json.dumps(cli_registration("o"))
    [row] = read_rows(auth, {"auth.idc.start-url": json.dumps("x")})
    assert row.problem == ""


@pytest.mark.parametrize("value", ["", "null", "[]", "{", "7", '"x"', "{}"])
def test_rows_that_are_broken(value):
    [row] = read_rows({"kirocli:social:token": value}, {"api.codewhisperer.profile": value})
    assert row.problem


AUTH = {"kirocli:social:token": cli_token("s")}


@pytest.mark.parametrize("mode", ["plain", "wal", "wal with a log", "wal with a log, closed badly"])
def test_a_database_is_read_without_a_trace(tmp_path, mode):
    home = tmp_path / "kiro-cli"
    path = home / "da ta?#%.sqlite3"
    with closing(cli_database(path, AUTH, wal=mode != "plain")) as database:
        if "log" not in mode:
            database.close()
        if "badly" in mode:
            (home / f"{path.name}-shm").unlink()
        before = snapshot(home)
        assert (f"{path.name}-wal" in before) is ("log" in mode)
        [candidate] = read_source(path)
        assert candidate.entry["refreshToken"] == refresh_token("s")
        assert snapshot(home) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_database_in_a_folder_that_nobody_may_write(tmp_path):
    path = tmp_path / "kiro-cli" / "data.sqlite3"
    cli_database(path, AUTH, wal=True).close()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert only(path).problem == ""
    finally:
        path.parent.chmod(0o700)


def test_a_database_that_is_being_written_to_is_read_as_it_was_committed(tmp_path):
    path = tmp_path / "data.sqlite3"
    with closing(cli_database(path, AUTH, wal=True)) as database:
        database.execute("DELETE FROM auth_kv")  # and no commit
        assert len(read_source(path)) == 1
        database.commit()
        assert read_source(path) == []


def test_a_database_without_the_tables(tmp_path):
    path = tmp_path / "data.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE x (y)")
        database.commit()
    assert read_source(path) == []


def test_a_database_that_is_damaged(tmp_path):
    path = tmp_path / "data.sqlite3"
    cli_database(path, AUTH).close()
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 3000)
    with pytest.raises(Unreadable, match="damaged"):
        read_source(path)


def test_both_shapes_of_account_managers():
    flat = managed("a", label="A", region="eu-west-1", provider="Github", accessToken="aoa", machineId="m")
    nested = managed_nested("b", clientId="c", clientSecret="s", region="us-west-2", authMethod="social")
    for value in ({"version": "1.8", "accounts": [flat, nested]}, [flat, nested]):
        a, b = read_objects(value)
        assert (a.source, a.place, b.place) == (Source.ACCOUNT_MANAGER, "entry 1", "entry 2")
        assert a.entry == {
            "refreshToken": refresh_token("a"),
            "accessToken": "aoa",
            "region": "eu-west-1",
            "provider": "Github",
            "email": "a@example.invalid",
            "machineId": "m",
            "authMethod": "social",
        }
        assert b.entry["authMethod"] == "idc"  # whatever the file says: it has a client
        assert b.entry["email"] == "b@example.invalid"
        assert b.entry["userId"] == "user-b"
        assert b.entry["expiresAt"] == "2026-09-21T15:13:20.000Z"
        assert "id" not in b.entry
        assert not a.problem + b.problem
    [single] = read_objects(nested)
    assert (single.place, single.entry) == ("", b.entry)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (managed("a", status="error"), "its account manager has it as error"),
        (managed_nested("a", status="Banned"), "as banned"),
        (managed("a", clientId="c"), "`clientId` and not the other half"),
        (managed_nested("a", clientSecret="s"), "`clientSecret` and not the other half"),
    ],
)
def test_what_account_managers_have_broken(value, problem):
    [found] = read_objects(value)
    assert problem in found.problem


def test_files_of_kiro_rs_and_of_other_gateways():
    entry = idc(
        "a",
        id=7,
        priority=3,
        proxyUrl="socks5://p.invalid:1",
        endpoint="cli",
        mine="kept",
        expiresAt=1_790_003_600,
    )
    [found] = read_objects(entry)
    assert found.source is Source.CREDENTIALS_FILE
    assert found.entry == {
        **{k: v for k, v in entry.items() if k != "id"},
        "expiresAt": "2026-09-21T15:13:20.000Z",
    }
    snake = {
        "refresh_token": refresh_token("a"),
        "client_id": "c",
        "client_secret": "s",
        "idcRegion": "eu-west-1",
    }
    [found] = read_objects([snake])
    assert found.entry == {
        "refreshToken": refresh_token("a"),
        "clientId": "c",
        "clientSecret": "s",
        "authRegion": "eu-west-1",
    }
    assert [one.problem for one in read_objects([social("a"), 7])] == ["", "is not an object"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["accounts", "credentials", "refreshToken", "refresh_token", "clientIdHash", "authMethod",
                         "expiresAt", "status", "clientId", "", "_", "idp"]) | st.text(max_size=4),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_no_json_makes_it_stumble(value):
    for found in read_objects(value) + read_objects(value, ide=True):
        assert found.problem or read_entry(found.entry, 0, ENDPOINTS).flaw or found.entry
        assert plan_import([found], {}, endpoints=ENDPOINTS, now=NOW)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=5) | st.integers() | st.none(), max_size=6))
def test_normal_entries_stay_as_they_are(fields):
    once = normal_entry(fields)
    assert normal_entry(once) == once


def fates(candidates, known=None, **options):
    rows = plan_import(candidates, known or {}, endpoints=ENDPOINTS, now=NOW, **options)
    return [(row.fate, row.credential_id) for row in rows], [row.reason for row in rows]


def candidate(entry, problem=""):
    return Candidate(Source.CREDENTIALS_FILE, "", entry, problem)


def test_what_becomes_of_each():
    mail = {"email": "a@example.invalid"}
    known = {1: social("a", **mail), 2: social("old", **{LINEAGE: ["x"]})}
    found, reasons = fates(
        [
            candidate(social("new")),
            candidate(social("new", priority=1)),
            candidate(social("a")),
            candidate(social("a2", **mail)),
            candidate({"refreshToken": "aor..."}),
            candidate(social("b"), "broken somehow"),
            candidate(idc("c", clientSecretExpiresAt="2026-01-01T00:00:00Z")),
            candidate(idc("d", endpoint="unheard-of")),
        ],
        known,
    )
    assert found == [
        (Fate.ADD, None),
        (Fate.SKIP, None),
        (Fate.SKIP, 1),
        (Fate.SKIP, 1),
        (Fate.REFUSE, None),
        (Fate.REFUSE, None),
        (Fate.REFUSE, None),
        (Fate.REFUSE, None),
    ]
    assert "--replace" in reasons[3]
    assert "shortened" in reasons[4]
    assert "registration has expired" in reasons[6]
    assert "endpoint" in reasons[7]
    replaced, _ = fates([candidate(social("a2", **mail))], known, replace=True)
    assert replaced == [(Fate.REPLACE, 1)]


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, ".local/share/kiro-cli/data.sqlite3"),
        ("linux", {"XDG_DATA_HOME": "/data"}, "/data/kiro-cli/data.sqlite3"),
        ("linux", {}, ".local/share/amazon-q/data.sqlite3"),
        ("darwin", {}, "Library/Application Support/kiro-cli/data.sqlite3"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Kiro-Cli/data.sqlite3"),
        ("win32", {}, "AppData/Roaming/kiro-cli/data.sqlite3"),
        ("win32", {}, "AppData/Roaming/.kiro-account-manager/accounts.json"),
        ("linux", {}, ".aws/sso/cache/kiro-auth-token.json"),
        ("linux", {"KIRO_CREDS_FILE": "/somewhere/x.json"}, "/somewhere/x.json"),
    ],
)
def test_the_usual_places(platform, environ, expected):
    home, here = Path("/home/me"), Path("/here")
    places = usual_places(platform, environ, home, here)
    assert home / expected in places
    assert len(set(places)) == len(places)
    assert here / "credentials.json" in places


def test_a_scan_finds_what_is_there_and_not_our_own(tmp_path):
    home, here = tmp_path / "home", tmp_path / "here"
    here.mkdir()
    token = ide_cache(home, ide_token("a"))
    database = home / ".local/share/kiro-cli/data.sqlite3"
    cli_database(database, AUTH).close()
    (home / "Downloads").mkdir()
    export = home / "Downloads" / "kiro-accounts-2026-09-21.json"
    export.write_text(json.dumps([managed("m")]))
    (here / "credentials.json").write_text("[]")
    before = snapshot(home)
    assert scan("linux", {}, home, here, [here / "credentials.json"]) == [token, database, export]
    assert scan("linux", {}, home, here)[2] == here / "credentials.json"
    assert [len(read_source(path)) for path in (token, database, export)] == [1, 1, 1]
    assert snapshot(home) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is neither JSON"),
        (b"\xff\xfe", "is neither JSON"),
        (b"[" * 100_000, "is neither JSON"),
        (b"[]", "holds no accounts"),
        (b'{"region": "us-east-1"}', "holds no accounts"),
        (b"SQLite format 3\0 and no more", "damaged"),
    ],
)
def test_files_that_are_no_accounts(tmp_path, content, said):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=said):
        read_source(path)


def test_places_that_cannot_be_read(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        read_source(tmp_path / "none.json")
    with pytest.raises(Unreadable, match="folder without accounts"):
        read_source(tmp_path)
    ide_cache(tmp_path, ide_token("a"))
    assert len(read_source(tmp_path / ".aws" / "sso" / "cache")) == 1


def test_no_repr_shows_a_secret(tmp_path):
    assert "aor" not in repr(only(ide_cache(tmp_path, ide_token("a"))))
