"""The small calls that credentials need (renewal, profiles, usage), as an interface.

This room stands below `kiro_trio.upstream`, which speaks HTTP: it says here what it needs and is handed an object.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kiro_trio.conversation.faults import Failure
from kiro_trio.credentials.credential import (
    Credential,
    Defaults,
    Proxy,
    api_region,
    auth_region,
    effective_endpoint,
)
from kiro_trio.kiro.endpoint import PRESETS, Call, Caller, Preset, Versions
from kiro_trio.kiro.identity import machine_id


@dataclass(frozen=True, slots=True)
class SmallResponse:
    """A whole answer: the HTTP status, headers by lower-case name, and the body (it may hold tokens)."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class SmallCalls(Protocol):
    """Sends one small call and brings its whole answer."""

    async def send(self, call: Call, proxy: Proxy | None) -> SmallResponse | Failure:
        """Send `call` with its body through `proxy` (None: straight, whatever the environment says).

        Returns the answer, of any status, or a `Failure` if there was none (`CONNECT_FAILED`, `PROXY_FAILED`,
        `TLS_FAILED`, `CONNECTION_LOST`, `FIRST_BYTE_TIMEOUT`); it raises nothing but `trio.Cancelled`, and it does
        not take longer than a minute.
        """


@dataclass(frozen=True, slots=True)
class Wire:
    """How calls to Kiro are made.

    `presets` by name, the `versions` that we claim to be, and `base`: another server, such as the simulator, that
    takes the place of scheme and host of every URL.
    """

    presets: Mapping[str, Preset] = field(default_factory=lambda: PRESETS)
    versions: Versions = field(default_factory=Versions)
    base: str | None = None


def machine_of(credential: Credential, defaults: Defaults) -> str:
    """The machine id under which the credential calls."""
    return machine_id(
        own=credential.machine_id,
        configured=defaults.machine_id or "",
        api_key=credential.kiro_api_key,
        refresh_token=credential.refresh_token,
    )


def caller_of(
    credential: Credential,
    defaults: Defaults,
    wire: Wire,
    *,
    region: str = "",
    profile_arn: str | None = None,
) -> Caller:
    """The credential as a caller, in `region` or in its own."""
    return Caller(
        region=region or api_region(credential, defaults),
        auth_region=auth_region(credential, defaults),
        token=credential.bearer,
        api_key=credential.api_key,
        profile_arn=profile_arn,
        machine_id=machine_of(credential, defaults),
        versions=wire.versions,
    )


def preset_of(credential: Credential, defaults: Defaults, wire: Wire) -> Preset:
    """The preset of the credential's endpoint; the name has been checked when the credential was read."""
    return wire.presets[effective_endpoint(credential, defaults)]
