"""Made-up stores of other programs, as they lie on a disk."""

import json
import sqlite3

from tests.credentials.entries import refresh_token

HASH = "e909a0580879b06ece1202964fbe9dda95ea4ce3"
BUILDER_ID = "https://view.awsapps.com/start"
EXPIRES = "2026-09-21T15:00:00.123456789Z"
ORGANISATION_ARN = "arn:aws:codewhisperer:eu-central-1:123456789012:profile/ABCDEF"


def ide_token(name, kind="social", **keys):
    token = {
        "accessToken": f"aoa-{name}",
        "refreshToken": refresh_token(name),
        "expiresAt": "2026-09-21T15:00:00.000Z",
    }
    if kind == "social":
        return {**token, "authMethod": "social", "provider": "Google", **keys}
    idc = {"authMethod": "IdC", "provider": "BuilderId", "clientIdHash": HASH, "region": "us-east-1"}
    return {**token, **idc, **keys}


def registration(name="ide", **keys):
    return {
        "clientId": f"client-{name}",
        "clientSecret": f"client-secret-{name}",
        "expiresAt": "2026-12-01T00:00:00.000Z",
        **keys,
    }


def ide_cache(home, token, client=None):
    folder = home / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    (folder / "kiro-auth-token.json").write_text(json.dumps(token))
    if client is not None:
        (folder / f"{HASH}.json").write_text(json.dumps(client))
    return folder / "kiro-auth-token.json"


def cli_token(name, start_url=None, **keys):
    token = {"access_token": f"aoa-{name}", "refresh_token": refresh_token(name), "expires_at": EXPIRES}
    if start_url is None:
        return {
            **token,
            "provider": "github",
            "profile_arn": "arn:aws:codewhisperer:us-east-1:699475941385:profile/X",
        }
    return {
        **token,
        "region": "eu-west-1",
        "start_url": start_url,
        "oauth_flow": "DeviceCode",
        "scopes": [],
        **keys,
    }


def cli_registration(name):
    return {
        "client_id": f"client-{name}",
        "client_secret": f"client-secret-{name}",
        "client_secret_expires_at": "2026-12-01T00:00:00Z",
        "region": "eu-west-1",
    }


def cli_database(path, auth, state=(), *, wal=False):
    """A database with these rows; returns the connection, which keeps the log of a WAL database open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path)
    if wal:
        database.execute("PRAGMA journal_mode=wal")
    database.execute("CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT)")
    database.execute("CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB)")
    database.executemany(
        "INSERT INTO auth_kv VALUES (?, ?)", [(key, json.dumps(value)) for key, value in auth.items()]
    )
    rows = [(key, json.dumps(value).encode()) for key, value in dict(state).items()]
    database.executemany("INSERT INTO state VALUES (?, ?)", rows)
    database.commit()
    return database


def managed(name, **keys):
    """An account of an account manager, in the newer, flat shape."""
    return {
        "email": f"{name}@example.invalid",
        "refreshToken": refresh_token(name),
        "status": "active",
        **keys,
    }


def managed_nested(name, status="active", **credentials):
    """The older one."""
    return {
        "id": f"uuid-{name}",
        "email": f"{name}@example.invalid",
        "userId": f"user-{name}",
        "nickname": name,
        "idp": "Google",
        "status": status,
        "credentials": {"refreshToken": refresh_token(name), "expiresAt": 1_790_003_600_000, **credentials},
    }


def snapshot(folder):
    """Everything below a folder, with its moments: what a reader may not change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in sorted([folder, *folder.rglob("*")])
    }
