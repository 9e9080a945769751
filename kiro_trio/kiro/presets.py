"""Endpoint presets, as data: where Kiro's official clients call, and what they say about themselves.

A row whose value turns out empty is left out: so the profile ARN and the token type stand here once and for all.
`Host`, `Content-Length` and `Connection` are not in here: they belong to whoever holds the connection. (kiro.rs sends
`Connection: close`, which would cost a TLS handshake per request.)

Source: docs/wire.md, "Endpoint presets" and "Headers".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

Rows = tuple[tuple[str, str], ...]
Fields = tuple[tuple[str, str | int], ...]

_ORIGIN = re.compile(r"[A-Z_]{1,64}")


@dataclass(frozen=True, slots=True)
class Route:
    """One call: URL, query, headers and, for small calls, the fields of a JSON body. All values are templates."""

    method: str
    url: str
    headers: Rows
    query: Rows = ()
    body: Fields | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """One way to be a client of Kiro's.

    `origin` is what the body says who is speaking, `agent_fields` whether it names the agent's work, `arn_in_body`
    whether the profile ARN goes into the chat's body (it may also go into a header).
    """

    name: str
    origin: str
    agent_fields: bool
    arn_in_body: bool
    chat: Route
    mcp: Route
    usage: Route
    models: Route
    profiles: Route
    social_refresh: Route
    oidc_token: Route

    def __post_init__(self) -> None:
        check_origin(self.origin)


def check_origin(origin: str) -> str:
    """Return `origin` if it is one, else raise `ValueError`."""
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("an origin is a word of capital letters and underscores")
    return origin


_Q = "https://q.{region}.amazonaws.com"
_RUNTIME = "https://runtime.{region}.kiro.dev"
_MANAGEMENT = "https://management.{region}.kiro.dev"
_JSON = "application/json"
_RPC = "application/x-amz-json-1.0"
_CHAT_TARGET = "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"
_MANAGER = "KiroControlPlaneBearerService"
_Q_PROFILES = "AmazonCodeWhispererService.ListAvailableProfiles"
_MCP_ANSWERS = "application/json, text/event-stream"
_EVENT_STREAM = "application/vnd.amazon.eventstream"
_ARN_HEADER = ("x-amzn-kiro-profile-arn", "{profile_arn}")


def _ide(sdk: str, service: str, features: str) -> Rows:
    """The IDE's two user agents, by the AWS SDK for JavaScript."""
    full = f"ua/2.1 os/{{system}} lang/js md/nodejs#{{node}} api/{service}#{sdk} m/{features}"
    return (
        ("x-amz-user-agent", f"aws-sdk-js/{sdk} KiroIDE-{{kiro}}-{{machine_id}}"),
        ("user-agent", f"aws-sdk-js/{sdk} {full} KiroIDE-{{kiro}}-{{machine_id}}"),
    )


def _cli(service: str) -> Rows:
    """The command line's two user agents, by the AWS SDK for Rust."""
    sdk = f"aws-sdk-rust/1.3.15 ua/2.1 api/{service}/0.1.17975 os/{{os}} lang/rust/1.92.0"
    return (
        ("user-agent", f"{sdk} md/appVersion-{{cli}} m/F app/AmazonQ-For-CLI"),
        ("x-amz-user-agent", f"{sdk} m/F app/AmazonQ-For-CLI"),
    )


def _signed(most_tries: int) -> Rows:
    """What every call with a bearer ends with."""
    return (
        ("amz-sdk-invocation-id", "{invocation_id}"),
        ("amz-sdk-request", f"attempt=1; max={most_tries}"),
        ("authorization", "Bearer {token}"),
        ("tokentype", "{token_type}"),
    )


def _rpc(target: str) -> Rows:
    return (("content-type", _RPC), ("x-amz-target", target))


_SOCIAL_REFRESH = Route(
    "POST",
    "https://prod.{auth_region}.auth.desktop.kiro.dev/refreshToken",
    (
        ("accept", "application/json, text/plain, */*"),
        ("content-type", _JSON),
        ("user-agent", "KiroIDE-{kiro}-{machine_id}"),
        ("accept-encoding", "identity"),
    ),
)
_OIDC_TOKEN = Route(
    "POST",
    "https://oidc.{auth_region}.amazonaws.com/token",
    (
        ("content-type", _JSON),
        ("x-amz-user-agent", "aws-sdk-js/3.980.0 KiroIDE"),
        (
            "user-agent",
            "aws-sdk-js/3.980.0 ua/2.1 os/{system} lang/js md/nodejs#{node} api/sso-oidc#3.980.0 m/E KiroIDE",
        ),
        ("amz-sdk-invocation-id", "{invocation_id}"),
        ("amz-sdk-request", "attempt=1; max=4"),
    ),
)

_IDE_SMALL = (*_ide("1.0.0", "codewhispererruntime", "N,E"), *_signed(1))
_LIST_QUERY: Rows = (
    ("origin", "{origin}"),
    ("maxResults", "50"),
    ("profileArn", "{profile_arn}"),
    ("nextToken", "{next_token}"),
)
_LIST_BODY: Fields = (("origin", "{origin}"), ("profileArn", "{profile_arn}"), ("nextToken", "{next_token}"))
_USAGE_QUERY: Rows = (
    ("origin", "{origin}"),
    ("resourceType", "AGENTIC_REQUEST"),
    ("profileArn", "{profile_arn}"),
)
_PROFILES_BODY: Fields = (("maxResults", 10), ("nextToken", "{next_token}"))

IDE = Preset(
    name="ide",
    origin="AI_EDITOR",
    agent_fields=True,
    arn_in_body=True,
    chat=Route(
        "POST",
        f"{_Q}/generateAssistantResponse",
        (
            ("content-type", _JSON),
            ("accept", "*/*"),
            ("x-amzn-codewhisperer-optout", "true"),
            ("x-amzn-kiro-agent-mode", "vibe"),
            *_ide("1.0.34", "codewhispererstreaming", "E"),
            *_signed(3),
        ),
    ),
    mcp=Route(
        "POST",
        f"{_Q}/mcp",
        (
            ("content-type", _JSON),
            ("accept", "*/*"),
            _ARN_HEADER,
            *_ide("1.0.34", "codewhispererstreaming", "E"),
            *_signed(3),
        ),
    ),
    usage=Route("GET", f"{_Q}/getUsageLimits", _IDE_SMALL, _USAGE_QUERY),
    models=Route("GET", f"{_Q}/ListAvailableModels", (("accept", _JSON), *_IDE_SMALL), _LIST_QUERY),
    profiles=Route(
        "POST",
        f"{_Q}/",
        (*_rpc(_Q_PROFILES), *_IDE_SMALL),
        body=_PROFILES_BODY,
    ),
    social_refresh=_SOCIAL_REFRESH,
    oidc_token=_OIDC_TOKEN,
)

_IDE_KIRO_SMALL = (*_ide("1.0.39", "codewhispererruntime", "N,E"), *_signed(1))

IDE_KIRO = Preset(
    name="ide-kiro",
    origin="AI_EDITOR",
    agent_fields=False,
    arn_in_body=True,
    chat=Route(
        "POST",
        f"{_RUNTIME}/",
        (
            *_rpc(_CHAT_TARGET),
            ("accept", _EVENT_STREAM),
            ("x-amzn-codewhisperer-optout", "true"),
            ("x-amzn-kiro-agent-mode", "vibe"),
            _ARN_HEADER,
            *_ide("1.0.39", "codewhispererstreaming", "E"),
            *_signed(3),
        ),
    ),
    mcp=Route(
        "POST",
        f"{_RUNTIME}/mcp",
        (
            ("content-type", _JSON),
            ("accept", _MCP_ANSWERS),
            _ARN_HEADER,
            *_ide("1.0.39", "codewhispererstreaming", "E"),
            *_signed(3),
        ),
    ),
    usage=Route(
        "GET",
        f"{_MANAGEMENT}/getUsageLimits",
        _IDE_KIRO_SMALL,
        (
            ("isEmailRequired", "true"),
            ("origin", "{origin}"),
            ("profileArn", "{profile_arn}"),
            ("resourceType", "AGENTIC_REQUEST"),
        ),
    ),
    models=Route(
        "POST",
        f"{_MANAGEMENT}/",
        (*_rpc(f"{_MANAGER}.ListAvailableModels"), *_IDE_KIRO_SMALL),
        body=_LIST_BODY,
    ),
    profiles=Route(
        "POST",
        f"{_MANAGEMENT}/",
        (*_rpc(f"{_MANAGER}.ListAvailableProfiles"), *_IDE_KIRO_SMALL),
        body=_PROFILES_BODY,
    ),
    social_refresh=_SOCIAL_REFRESH,
    oidc_token=_OIDC_TOKEN,
)

_CLI_SMALL = (("accept", "*/*"), *_cli("codewhispererruntime"), *_signed(3))
_CLI_CHAT = (*_cli("codewhispererstreaming"), *_signed(3))

CLI = replace(
    IDE_KIRO,
    name="cli",
    origin="KIRO_CLI",
    agent_fields=True,
    chat=Route(
        "POST",
        f"{_RUNTIME}/",
        (
            *_rpc(_CHAT_TARGET),
            ("accept", "*/*"),
            ("x-amzn-codewhisperer-optout", "true"),
            _ARN_HEADER,
            *_CLI_CHAT,
        ),
    ),
    mcp=replace(
        IDE_KIRO.mcp, headers=(("content-type", _JSON), ("accept", _MCP_ANSWERS), _ARN_HEADER, *_CLI_CHAT)
    ),
    usage=Route("GET", f"{_MANAGEMENT}/getUsageLimits", _CLI_SMALL, _USAGE_QUERY),
    models=replace(IDE_KIRO.models, headers=(*_rpc(f"{_MANAGER}.ListAvailableModels"), *_CLI_SMALL)),
    profiles=replace(IDE_KIRO.profiles, headers=(*_rpc(f"{_MANAGER}.ListAvailableProfiles"), *_CLI_SMALL)),
)

CLI_Q = replace(
    IDE,
    name="cli-q",
    origin="KIRO_CLI",
    chat=Route(
        "POST",
        f"{_Q}/generateAssistantResponse",
        (
            ("content-type", _JSON),
            ("accept", "*/*"),
            ("x-amz-target", "AmazonQDeveloperStreamingService.SendMessage"),
            ("x-amzn-codewhisperer-optout", "false"),
            ("x-amzn-kiro-agent-mode", "cli"),
            *_CLI_CHAT,
        ),
    ),
    mcp=replace(IDE.mcp, headers=(("content-type", _JSON), ("accept", "*/*"), _ARN_HEADER, *_CLI_CHAT)),
    usage=replace(IDE.usage, headers=_CLI_SMALL),
    models=replace(IDE.models, headers=_CLI_SMALL),
    profiles=replace(IDE.profiles, headers=(*_rpc(_Q_PROFILES), *_CLI_SMALL)),
)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {preset.name: preset for preset in (IDE, IDE_KIRO, CLI, CLI_Q)}
)
