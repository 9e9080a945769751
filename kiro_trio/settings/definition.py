"""Every setting there is: name, type, default, and a sentence. The README's table is made from this one.

The key in `config.json` is the name in camel case, the environment variable is `KIRO_TRIO_` and the name in capitals.
The keys of kiro.rs keep their names and their meaning, so that its file can stay as it is.
"""

from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Meta

from kiro_trio.credentials.credential import (
    BUILDER_ID_PROFILE_ARN,
    REGION,
    SOCIAL_PROFILE_ARN,
    Proxy,
    parse_proxy,
)
from kiro_trio.credentials.roster import DEFAULT_CONCURRENCY
from kiro_trio.kiro.catalog import Unknown
from kiro_trio.telemetry import LogFormat, LogLevel

MEBIBYTE = 1024 * 1024


def _row(sentence: str, *, form: str = "", secret: bool = False, **limits: Any) -> Meta:
    """A setting's row: `form` says in words what its pattern wants, `secret` keeps it out of every text."""
    return Meta(description=sentence, extra={"form": form, "secret": secret}, **limits)


def _region(sentence: str) -> Meta:
    return _row(sentence, form="a region such as `us-east-1`", pattern=rf"\A({REGION.pattern})?\Z")


def _address(sentence: str, *, secret: bool = False) -> Meta:
    return _row(
        sentence,
        form="an address such as `http://host:port`",
        secret=secret,
        pattern=r"\A(https?://[^\s/?#]\S*)?\Z",
    )


def _header(sentence: str) -> Meta:
    return _row(sentence, form="visible ASCII characters without spaces", pattern=r"\A[!-~]*\Z")


def _key(sentence: str) -> Meta:
    # What a client cannot send in a header, or only with its ends trimmed, could never match.
    return _row(sentence, form="visible ASCII characters without spaces", secret=True, pattern=r"\A[!-~]*\Z")


def _bytes(sentence: str, at_least: int = 1024) -> Meta:
    return _row(sentence, form=f"a whole number of bytes from {at_least}", ge=at_least)


def _seconds(sentence: str) -> Meta:
    return _row(sentence, form="a number of seconds above 0, at most a day", gt=0, le=86400)


class Settings(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """All settings of a gateway, checked. Its repr leaves the secrets out."""

    # Listening
    host: Annotated[
        str, _row("Address to listen on.", form="an address or a host name", pattern=r"\A[A-Za-z0-9.:%_-]+\Z")
    ] = "127.0.0.1"
    port: Annotated[int, _row("Port to listen on; 0 picks a free one.", ge=0, le=65535)] = 8080
    api_key: Annotated[
        str,
        _key(
            "Key that clients must present, as `x-api-key` or as `Authorization: Bearer`; empty: none is asked for."
        ),
    ] = ""
    admin_api_key: Annotated[
        str, _key("Key of the owner, for the page at `/admin` and for `/api/admin`; empty: there is neither.")
    ] = ""
    body_limit: Annotated[int, _bytes("Largest request body, in bytes.")] = 50 * MEBIBYTE
    body_timeout: Annotated[float, _seconds("How long a client may take to send its request.")] = 60
    send_timeout: Annotated[
        float, _seconds("How long a client may take nothing of its answer before it is dropped.")
    ] = 30
    shutdown_grace: Annotated[float, _seconds("How long running streams may go on after SIGTERM.")] = 30
    http2: Annotated[bool, _row("Speak HTTP/2 to clients too.")] = False
    fast_path: Annotated[
        bool, _row("Use our own short cuts where bytes are many; false: only the libraries' ways.")
    ] = True

    # Accounts
    credentials_file: Annotated[str, _row("The accounts; seen from where the gateway was started.")] = (
        "credentials.json"
    )
    kiro_api_key: Annotated[
        str, _key("One more account, by its Kiro API key (`ksk_...`); only from `KIRO_API_KEY`.")
    ] = ""
    load_balancing_mode: Annotated[
        Literal["priority", "balanced"],
        _row("Use the best account as long as it works, or spread requests over all."),
    ] = "priority"
    per_credential_concurrency: Annotated[
        int, _row("How many requests an account may serve at once.", ge=1)
    ] = DEFAULT_CONCURRENCY
    queue_limit: Annotated[int, _row("How many requests may wait for an account; 0: none waits.", ge=0)] = 256
    queue_timeout: Annotated[float, _seconds("How long a request may wait for an account.")] = 60

    # Regions, and what we tell Kiro about ourselves
    region: Annotated[str, _region("Region of everything for which no other one is given.")] = "us-east-1"
    auth_region: Annotated[str, _region("Region where tokens are renewed; empty: `region`.")] = ""
    api_region: Annotated[str, _region("Region of all other calls; empty: `region`.")] = ""
    default_endpoint: Annotated[str, _row("Endpoint preset of accounts that name none.")] = "ide"
    api_key_endpoint: Annotated[str, _row("Endpoint preset of accounts by API key that name none.")] = "cli"
    endpoints: Annotated[
        dict[str, dict[str, Any]],
        _row("Changes to endpoint presets, and new ones, by name.", form="an object of objects"),
    ] = {}
    kiro_version: Annotated[
        str, _header("Kiro version to name in headers; empty: the one we were built for.")
    ] = ""
    node_version: Annotated[
        str, _header("Node version to name in headers; empty: the one we were built for.")
    ] = ""
    system_version: Annotated[
        str, _header("System to name in headers; empty: the one we were built for.")
    ] = ""
    cli_version: Annotated[
        str, _header("kiro-cli version to name in headers; empty: the one we were built for.")
    ] = ""
    social_profile_arn: Annotated[str, _header("Profile ARN of all social accounts; Kiro may change it.")] = (
        SOCIAL_PROFILE_ARN
    )
    builder_id_profile_arn: Annotated[str, _header("Profile ARN of all Builder IDs; Kiro may change it.")] = (
        BUILDER_ID_PROFILE_ARN
    )
    machine_id: Annotated[
        str,
        _row("Machine id of accounts without one; empty: each has its own.", form="64 hex digits or a UUID"),
    ] = ""

    # The way to Kiro
    upstream_url: Annotated[
        str,
        _row(
            "Send everything that is meant for Kiro to this address instead: for simulators and tests.",
            form="an address such as `http://127.0.0.1:9000`, without a path",
            pattern=r"\A(https?://[^\s/?#@]+/?)?\Z",
        ),
    ] = ""
    proxy_url: Annotated[
        str,
        _row(
            "Proxy on the way to Kiro.",
            form="a proxy such as `http://host:port` or `socks5://host:port`",
            secret=True,
        ),
    ] = ""
    proxy_username: Annotated[str, _row("User name at the proxy.", secret=True)] = ""
    proxy_password: Annotated[str, _row("Password at the proxy.", secret=True)] = ""
    ca_file: Annotated[str, _row("Certificates (PEM) to trust beside the usual ones.")] = ""
    tls_backend: Annotated[
        Literal["rustls", "native-tls"], _row("Read for the sake of kiro.rs; there is one TLS library here.")
    ] = "rustls"
    connect_timeout: Annotated[float, _seconds("Limit for one connection to Kiro, with TLS and proxy.")] = 10
    first_byte_timeout: Annotated[float, _seconds("How long Kiro may take to begin its answer.")] = 300
    idle_timeout: Annotated[float, _seconds("How long Kiro may be silent inside its answer.")] = 300

    # One request
    grace_time: Annotated[
        float, _seconds("How long the status may wait for Kiro's first words; then a ping opens the answer.")
    ] = 20
    ping_interval: Annotated[float, _seconds("Silence after which the client gets a ping.")] = 10
    request_deadline: Annotated[float, _seconds("Limit for all tries together, up to the first content.")] = (
        280
    )
    thinking_history: Annotated[
        Literal["native", "tags", "drop"], _row("What to tell Kiro of the model's earlier thinking.")
    ] = "native"
    size_hints: Annotated[
        bool, _row("Ask the model to write long files in pieces (Kiro cuts very long tool inputs).")
    ] = True
    prefill: Annotated[
        Literal["continue", "drop", "refuse"],
        _row("An assistant's message at the end: ask the model to go on from it, leave it out, refuse it."),
    ] = "continue"
    unsupported_media: Annotated[
        Literal["note", "refuse"],
        _row("An image or file that Kiro does not take: put a note in its place, or refuse the request."),
    ] = "note"
    strict_schemas: Annotated[
        bool,
        _row("Strip tools' schemas of all that Kiro was ever seen to refuse; else only after it did."),
    ] = False
    upstream_body_limit: Annotated[
        int,
        _bytes(
            "Largest request that is sent to Kiro, in bytes; of a larger one the client hears that it is too long.",
            65536,
        ),
    ] = 4_718_592
    extract_thinking: Annotated[
        bool, _row("Read for the sake of kiro.rs; thinking always comes as thinking.")
    ] = True

    # Models
    model_aliases: Annotated[
        dict[str, str],
        _row("Names of models that clients use, and what Kiro calls them.", form="an object of strings"),
    ] = {}
    models: Annotated[
        dict[str, dict[str, Any]],
        _row(
            'What we do not know of models, or not right: `{"name": {"window": 200000, "effort": "none"}}`.',
            form="an object of objects",
        ),
    ] = {}
    unknown_models: Annotated[
        Unknown,
        _row("What to do with a Claude model that nobody knows: take the nearest, pass it on, refuse."),
    ] = "nearest"

    list_models: Annotated[
        bool, _row("Ask Kiro every hour which models there are, beside those that we know.")
    ] = True

    # Documents
    documents: Annotated[
        Literal["text", "native", "note"],
        _row("PDFs: read their text here, hand the files to Kiro, or put a note in their place."),
    ] = "text"
    document_bytes: Annotated[int, _bytes("Largest PDF whose text is read, in bytes.")] = 32 * MEBIBYTE
    document_pages: Annotated[int, _row("How many pages of a PDF are read.", ge=1, le=10_000)] = 200
    document_timeout: Annotated[float, _seconds("How long reading one PDF may take.")] = 20

    # Counting tokens
    calibrate_tokens: Annotated[
        bool, _row("Let token estimates learn from the counts that Kiro reports, for each model.")
    ] = True
    count_tokens_api_url: Annotated[
        str,
        _address(
            "Where `count_tokens` asks for the number, such as `https://api.anthropic.com/v1/messages/count_tokens`; "
            "empty, or when it does not answer: our own estimate.",
            secret=True,
        ),
    ] = ""
    count_tokens_api_key: Annotated[str, _row("Key for that address.", secret=True)] = ""
    count_tokens_auth_type: Annotated[Literal["x-api-key", "bearer"], _row("How that key is sent.")] = (
        "x-api-key"
    )

    # What is kept and shown
    recent_requests: Annotated[
        int, _row("How many recent requests are kept for the owner (numbers, never words).", ge=0)
    ] = 100_000
    recent_days: Annotated[int, _row("For how many days they are kept at most.", ge=0)] = 7
    usage_days: Annotated[
        int,
        _row(
            "For how many days the sums of usage by hour are kept; those of the running month always are.",
            ge=0,
        ),
    ] = 400
    metrics: Annotated[
        Literal["auto", "open", "off"],
        _row(
            "`/metrics` without a key, or not at all; auto: a key is asked for unless only this machine can reach us."
        ),
    ] = "auto"

    # What went wrong, kept to be looked into
    capture_folder: Annotated[
        str,
        _row(
            "Folder where failed exchanges with Kiro are kept for `kiro-trio replay`, without secrets; empty: none."
        ),
    ] = ""
    capture_which: Annotated[
        Literal["failed", "troubled", "all"],
        _row("Which: those whose client had no whole answer; also those that took another try; all."),
    ] = "failed"
    capture_prose: Annotated[
        Literal["filler", "words"],
        _row(
            "What is kept of what was said: filler of the same length in its place, or the words themselves."
        ),
    ] = "filler"
    capture_files: Annotated[int, _row("How many are kept; the oldest go.", ge=1)] = 100
    capture_bytes: Annotated[int, _bytes("How large all of them may be, in bytes.")] = 256 * MEBIBYTE
    capture_file_bytes: Annotated[int, _bytes("How large one may be, in bytes.")] = 16 * MEBIBYTE

    # Logs
    log_level: Annotated[LogLevel, _row("How much is logged.")] = "info"
    log_format: Annotated[LogFormat, _row("How it is logged, on stderr.")] = "text"

    @property
    def proxy(self) -> Proxy | None:
        """The proxy of accounts that name none.

        Raises:
            InvalidProxy: never for settings that were loaded; `proxy_url` is no proxy.
        """
        if not self.proxy_url:
            return None
        return parse_proxy(self.proxy_url, self.proxy_username, self.proxy_password)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in secret_names()]


@cache
def secret_names() -> frozenset[str]:
    """The settings whose values may be shown to nobody."""
    hints = get_type_hints(Settings, include_extras=True)
    return frozenset(name for name, hint in hints.items() if (hint.__metadata__[0].extra or {})["secret"])
