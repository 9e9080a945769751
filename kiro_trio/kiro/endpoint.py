"""Endpoint: the calls to Kiro, made of a preset and of who is calling.

`chat_call`, `mcp_call`, `usage_call`, `models_call`, `profiles_call`, `social_refresh_call` and `oidc_token_call` all take a
preset, the caller, a fresh UUID and, optionally, another server to send everything to.
Source: docs/wire.md, "Hosts and calls".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import msgspec

from kiro_trio.kiro.presets import PRESETS, Preset, Route
from kiro_trio.kiro.templates import fill

__all__ = [
    "PRESETS",
    "Call",
    "Caller",
    "Preset",
    "Versions",
    "chat_call",
    "mcp_call",
    "models_call",
    "oidc_token_call",
    "profiles_call",
    "social_refresh_call",
    "usage_call",
    "valid_region",
]

# Old versions were seen to be refused; these were captured together. Source: docs/wire.md, "Headers".
_KIRO, _NODE, _CLI = "0.12.301", "22.22.0", "2.14.2"
_SYSTEMS = ("darwin#24.6.0", "win32#10.0.22631")
_RUST_SYSTEMS: Mapping[str, str] = {"darwin": "macos", "win32": "windows"}

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_UNFIT_IN_HEADER = re.compile(r"[^\t\x20-\x7e]")


@dataclass(frozen=True, slots=True)
class Versions:
    """What we say we are: Kiro IDE, Node, operating system (as `darwin#24.6.0`), kiro-cli. Empty: what we were built for.

    An empty `system` is chosen by the machine id, so that an account does not change its computer.
    """

    kiro: str = ""
    node: str = ""
    system: str = ""
    cli: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a credential, as far as calls depend on it.

    `token` is the access token, or the API key if `api_key`. An API key never goes with a profile ARN.

    Raises:
        ValueError: a region is none; it becomes a part of host names.
    """

    region: str
    auth_region: str
    token: str = field(repr=False)
    api_key: bool = False
    profile_arn: str | None = field(default=None, repr=False)
    machine_id: str = field(default="", repr=False)
    versions: Versions = Versions()

    def __post_init__(self) -> None:
        valid_region(self.region)
        valid_region(self.auth_region)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call, ready but for the chat's body.

    `headers` hold the secret, `body` (of small calls; b"" for the others) and the URL's query may name the account, so none of
    them is in the repr. `origin`, `agent_fields` and `arn_in_body` say what the body of a chat needs.
    """

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    origin: str = ""
    agent_fields: bool = False
    arn_in_body: bool = False
    body: bytes = field(default=b"", repr=False)

    @property
    def display(self) -> str:
        """The call as it may be shown: method, host and path."""
        parts = urlsplit(self.url)
        return f"{self.method} {parts.netloc}{parts.path}"


def valid_region(text: str) -> str:
    """Return `text` if it looks like an AWS region.

    Raises:
        ValueError: it does not.
    """
    if not _REGION.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not a region such as us-east-1")
    return text


def chat_call(preset: Preset, caller: Caller, invocation_id: str, base: str | None = None) -> Call:
    """The call whose body is `kiro_trio.kiro.request.KiroRequest.body`.

    `base` (such as `http://127.0.0.1:9000`) takes the place of scheme and host.

    Raises:
        ValueError: a value cannot stand in a header; the message does not repeat it.
    """
    return _call(preset, preset.chat, caller, invocation_id, base)


def mcp_call(preset: Preset, caller: Caller, invocation_id: str, base: str | None = None) -> Call:
    """The call that runs a web search; its body is JSON-RPC. Otherwise as `chat_call`."""
    return _call(preset, preset.mcp, caller, invocation_id, base)


def usage_call(preset: Preset, caller: Caller, invocation_id: str, base: str | None = None) -> Call:
    """The call for what an account has left. Otherwise as `chat_call`."""
    return _call(preset, preset.usage, caller, invocation_id, base)


def models_call(
    preset: Preset, caller: Caller, invocation_id: str, base: str | None = None, next_token: str = ""
) -> Call:
    """The call for one page of the models that an account may use. Otherwise as `chat_call`."""
    return _call(preset, preset.models, caller, invocation_id, base, next_token)


def profiles_call(
    preset: Preset, caller: Caller, invocation_id: str, base: str | None = None, next_token: str = ""
) -> Call:
    """The call for one page of the profiles of an account in `caller.region`. Otherwise as `chat_call`."""
    return _call(preset, preset.profiles, caller, invocation_id, base, next_token)


def social_refresh_call(preset: Preset, caller: Caller, invocation_id: str, base: str | None = None) -> Call:
    """The call that renews a social account's token; its body holds the refresh token. Otherwise as `chat_call`."""
    return _call(preset, preset.social_refresh, caller, invocation_id, base)


def oidc_token_call(preset: Preset, caller: Caller, invocation_id: str, base: str | None = None) -> Call:
    """The call that gets a token of the AWS sign-in service; its body is the grant. Otherwise as `chat_call`."""
    return _call(preset, preset.oidc_token, caller, invocation_id, base)


def _call(
    preset: Preset, route: Route, caller: Caller, invocation_id: str, base: str | None, next_token: str = ""
) -> Call:
    values = _values(preset, caller, invocation_id, next_token)
    headers = [(name, fill(template, values)) for name, template in route.headers]
    for name, value in headers:
        if _UNFIT_IN_HEADER.search(value):
            raise ValueError(f"the value of the header {name} has characters that cannot stand there")
    return Call(
        method=route.method,
        url=_url(route, values, base),
        headers=tuple((name, value) for name, value in headers if value),
        origin=preset.origin,
        agent_fields=preset.agent_fields,
        arn_in_body=preset.arn_in_body and not caller.api_key,
        body=_body(route, values),
    )


def _values(preset: Preset, caller: Caller, invocation_id: str, next_token: str) -> Mapping[str, str]:
    versions = caller.versions
    system = versions.system or _SYSTEMS[sum(caller.machine_id.encode()) % len(_SYSTEMS)]
    return {
        "region": caller.region,
        "auth_region": caller.auth_region,
        "origin": preset.origin,
        "machine_id": caller.machine_id,
        "kiro": versions.kiro or _KIRO,
        "node": versions.node or _NODE,
        "system": system,
        "os": _RUST_SYSTEMS.get(system.partition("#")[0], "linux"),
        "cli": versions.cli or _CLI,
        "invocation_id": invocation_id,
        "token": caller.token,
        "token_type": "API_KEY" if caller.api_key else "",
        "profile_arn": "" if caller.api_key else caller.profile_arn or "",
        "next_token": next_token,
    }


def _url(route: Route, values: Mapping[str, str], base: str | None) -> str:
    url = fill(route.url, values)
    if base is not None:
        url = base.rstrip("/") + (urlsplit(url).path or "/")
    filled = [(name, fill(template, values)) for name, template in route.query]
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in filled if value)
    return f"{url}?{query}" if query else url


def _body(route: Route, values: Mapping[str, str]) -> bytes:
    if route.body is None:
        return b""
    filled = [(name, fill(value, values) if isinstance(value, str) else value) for name, value in route.body]
    return msgspec.json.encode({name: value for name, value in filled if value != ""})
