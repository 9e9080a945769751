"""The words of `kiro_trio.gateway.history` to its database: tables and queries."""

from typing import Any

VERSION = 2

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    at REAL NOT NULL,
    client TEXT NOT NULL,
    model TEXT NOT NULL,
    credential INTEGER,
    status INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    record BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS requests_at ON requests (at);
CREATE INDEX IF NOT EXISTS requests_failed ON requests (seq) WHERE outcome <> 'whole';
CREATE TABLE IF NOT EXISTS usage (
    hour INTEGER NOT NULL,
    client TEXT NOT NULL,
    model TEXT NOT NULL,
    credential INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    seconds REAL NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    credits REAL NOT NULL,
    PRIMARY KEY (hour, client, model, credential)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS latency (
    hour INTEGER NOT NULL,
    kind TEXT NOT NULL,
    bucket INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, bucket)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS minutes (client TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS minutes_client ON minutes (client, at);
CREATE TABLE IF NOT EXISTS sessions (
    session TEXT PRIMARY KEY,
    last_at REAL NOT NULL,
    credential INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    credits REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_last ON sessions (last_at);
CREATE TABLE IF NOT EXISTS clients (name TEXT PRIMARY KEY, last_used REAL NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""

NOTE = """
INSERT OR IGNORE INTO requests (id, at, client, model, credential, status, outcome, record)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

ADD_USAGE = """
INSERT INTO usage VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    requests = requests + 1, failures = failures + excluded.failures, seconds = seconds + excluded.seconds,
    input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
    cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, credits = credits + excluded.credits
"""

ADD_SESSION = """
INSERT INTO sessions VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    credential = CASE WHEN excluded.credential < 0 THEN credential ELSE excluded.credential END,
    last_at = max(last_at, excluded.last_at), requests = requests + 1, failures = failures + excluded.failures,
    input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
    cache_read_tokens = cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens, credits = credits + excluded.credits
"""

SESSION = """
SELECT last_at, nullif(credential, -1), requests, failures, input_tokens, output_tokens, cache_read_tokens,
       cache_write_tokens, credits
FROM sessions WHERE session = ?
"""

TIDY_SESSIONS = """
DELETE FROM sessions WHERE last_at < ?1 OR session IN (
    SELECT session FROM sessions ORDER BY last_at DESC LIMIT -1 OFFSET ?2
)
"""

ADD_LATENCY = """
INSERT INTO latency VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1
"""

SEEN = """
INSERT INTO clients VALUES (?, ?) ON CONFLICT DO UPDATE SET last_used = max(last_used, excluded.last_used)
"""

FORGET_MINUTES = "DELETE FROM minutes WHERE at <= ?1 - 60 OR at > ?1 + 60"

NTH_OF_MINUTE = "SELECT at FROM minutes WHERE client = ? ORDER BY at DESC LIMIT 1 OFFSET ?"

ENTER_MINUTE = "INSERT INTO minutes VALUES (?, ?)"

LAST_USED = "SELECT name, last_used FROM clients"

FIND = "SELECT record FROM requests WHERE id = ?"

TIDY_REQUESTS = "DELETE FROM requests WHERE seq <= (SELECT max(seq) FROM requests) - ?"

LATENCY = """
SELECT hour - hour % ?1, kind, bucket, sum(count) FROM latency WHERE hour >= ?2 AND hour < ?3
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

BY: dict[str, tuple[str, int]] = {
    "model": ("model", 0),
    "credential": ("nullif(credential, -1)", 0),
    "client": ("client", 0),
    "hour": ("hour", 3600),
    "day": ("hour - hour % 86400", 86400),
}
"""What usage can be asked by: the expression of its key, and the seconds of a stretch of time. Days are UTC's."""


_EQUAL = ("client", "model", "credential", "outcome", "status")


def page_query(wanted: Any) -> tuple[str, list[Any]]:
    """The query of one page, one row longer than the page, and its values."""
    conditions = [f"{name} = ?" for name in _EQUAL if getattr(wanted, name) is not None]
    values = [getattr(wanted, name) for name in _EQUAL if getattr(wanted, name) is not None]
    if wanted.before is not None:
        conditions.append("seq < ?")
        values.append(wanted.before)
    if wanted.failed:
        conditions.append("outcome <> 'whole'")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT seq, record FROM requests {where} ORDER BY seq DESC LIMIT ?", [*values, wanted.limit + 1]  # noqa: S608 - names of our own columns


def usage_query(by: str) -> str:
    """The query of usage by one of `BY`."""
    return f"""
        SELECT {BY[by][0]}, sum(requests), sum(failures), sum(seconds), sum(input_tokens), sum(output_tokens),
               sum(cache_read_tokens), sum(cache_write_tokens), sum(credits)
        FROM usage WHERE hour >= ? AND hour < ? GROUP BY 1 ORDER BY 1
    """  # noqa: S608 - our own expressions
