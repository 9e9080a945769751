"""Settings that are right one by one and still must not stand together, or only with a word about it."""

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from kiro_trio.credentials.credential import InvalidProxy
from kiro_trio.kiro.catalog import Catalog
from kiro_trio.kiro.identity import normal_machine_id
from kiro_trio.kiro.preset_changes import changed_presets
from kiro_trio.settings.definition import Settings
from kiro_trio.settings.errors import Place, SettingsError
from kiro_trio.upstream.errors import CertificateFileError
from kiro_trio.upstream.tls import client_context

Places = Mapping[str, Place]
"""Where each setting was found, by its name; those that have their defaults are not there."""

EXAMPLE_KEYS = frozenset(
    {
        # the examples of kiro.rs, and ours
        "sk-kiro-rs-qazwsxedcrfv123456",
        "sk-admin-your-secret-key",
        "sk-your-api-key",
        "sk-your-count-tokens-api-key",
        "sk-kiro-trio-...",
        # the examples of its relatives
        "123456",
        "change-me",
        "changeme",
        "my-super-secret-password-123",
        "your-api-key",
        "your_api_key",
        # what people type
        "12345678",
        "1234567890",
        "admin",
        "kiro",
        "password",
        "secret",
        "sk-123456",
        "sk-test",
        "test",
    }
)
"""Keys that everybody knows, in lower case."""


def check_values(settings: Settings, places: Places) -> None:
    """Check what a type and a pattern cannot say.

    Raises:
        SettingsError: an address, a model or the certificates cannot be used.
    """
    try:
        settings.proxy  # noqa: B018 - reading it is the check
    except InvalidProxy as error:
        raise SettingsError(places["proxy_url"], str(error)) from None
    try:
        urlsplit(settings.upstream_url).port  # noqa: B018 - reading it is the check
    except ValueError as error:
        raise SettingsError(places["upstream_url"], f"cannot be used: {error}") from None
    try:
        Catalog().overridden(settings.models)
    except ValueError as error:
        raise SettingsError(places["models"], f"cannot be used: {error}") from None
    _check_endpoints(settings, places)
    if settings.ca_file:
        try:
            client_context(Path(settings.ca_file))
        except CertificateFileError as error:
            raise SettingsError(places["ca_file"], f"cannot be used: {error}") from None


def _check_endpoints(settings: Settings, places: Places) -> None:
    try:
        presets = changed_presets(settings.endpoints)
    except ValueError as error:
        raise SettingsError(places["endpoints"], f"cannot be used: {error}") from None
    for name in ("default_endpoint", "api_key_endpoint"):
        if getattr(settings, name) not in presets:
            raise SettingsError(places[name], f"must be one of {', '.join(presets)}")


def check_listening(settings: Settings, places: Places) -> None:
    """See to it that nobody but this machine's own users can reach a gateway that has no key worth the name.

    Raises:
        SettingsError: the gateway would listen beyond loopback with such a key.
    """
    if is_loopback(settings.host):
        return
    reachable = f"but {settings.host} can be reached from other machines"
    if not settings.api_key:
        raise SettingsError(places["host"], f"needs an apiKey: there is none, {reachable}")
    for name, value in (("api_key", settings.api_key), ("admin_api_key", settings.admin_api_key)):
        if value.lower() in EXAMPLE_KEYS:
            raise SettingsError(places[name], f"is an example that everybody knows, {reachable}")


def weak_points(settings: Settings, environ: Mapping[str, str]) -> Iterable[str]:
    """What works, and is probably not what was meant; a sentence each."""
    if not settings.api_key:
        yield "apiKey is empty: every program on this machine may use the gateway"
    elif settings.api_key.lower() in EXAMPLE_KEYS:
        yield "apiKey is an example that everybody knows; choose your own"
    if settings.machine_id and not normal_machine_id(settings.machine_id):
        yield "machineId is neither 64 hex digits nor a UUID: ignored"
    if environ.get("KIRO_API_KEY") == "":
        yield "KIRO_API_KEY is set but empty: ignored"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on `host`; names other than localhost may be anybody's."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
