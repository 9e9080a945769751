"""What to set so that Claude Code talks to the gateway, and how that is said to a shell."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from kiro_trio.kiro.catalog import DEFAULT, Catalog

# Claude Code takes a model that it does not know for one of a million tokens, and would never compact.
_UNKNOWN_MODELS_WINDOW = 200_000

# With these Claude Code would go elsewhere, or show the gateway a key that is meant for somebody else.
IN_THE_WAY = (
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)
"""Variables that must not be set."""

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")

# A gateway without a key takes any; Claude Code without one asks the person to log in.
_ANY_KEY = "no-key-is-asked-for"

_Quote = Callable[[str], str]


def claude_code_lines(url: str, key: str) -> str:
    """The lines to paste into a shell; `url` is where the gateway listens, `key` what it asks for."""
    return "\n".join(
        (
            f"export ANTHROPIC_BASE_URL={shlex.quote(reachable(url))}",
            f"export ANTHROPIC_AUTH_TOKEN={shlex.quote(key)}",
            "claude",
        )
    )


def claude_code_variables(
    url: str, key: str, environ: Mapping[str, str], catalog: Catalog = DEFAULT
) -> dict[str, str]:
    """All that is worth setting beside `environ`. What decides about models stays as the person has it there.

    The aliases opus, sonnet and haiku are given models that Kiro has: those of Claude Code's own choice may be newer,
    and it would believe in their windows.
    """
    url = reachable(url)
    wishes = {
        "CLAUDE_CODE_MAX_CONTEXT_TOKENS": str(_UNKNOWN_MODELS_WINDOW),
        "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        **{
            f"ANTHROPIC_DEFAULT_{family.upper()}_MODEL": _spelled(
                catalog.resolve(f"claude-{family}").model.id
            )
            for family in ("opus", "sonnet", "haiku")
        },
    }
    variables = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_AUTH_TOKEN": key or _ANY_KEY}
    variables |= {name: value for name, value in wishes.items() if not environ.get(name)}
    if any(environ.get(name) for name in _PROXIES):
        variables |= _straight_to(urlsplit(url).hostname or "", environ)
    return variables


def said_to(shell: str, variables: Mapping[str, str], unset: tuple[str, ...] = ()) -> Iterator[str]:
    """The lines that set and unset variables in one of `SHELLS`, whatever stands in the values."""
    set_, take_away, quote = SHELLS[shell]
    for name in unset:
        yield take_away.format(name)
    for name, value in variables.items():
        yield set_.format(name, quote(value))


def shell_of(environ: Mapping[str, str]) -> str:
    """The shell that the person seems to use."""
    if environ.get("SHELL", "").rpartition("/")[2] == "fish":
        return "fish"
    return "powershell" if "PSModulePath" in environ and "SHELL" not in environ else "sh"


def reachable(url: str) -> str:
    """Who listens on every address is called by that of the machine itself."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
    parts = urlsplit(url)
    host = everywhere.get(parts.hostname or "")
    return f"{parts.scheme}://{host}:{parts.port}" if host else url


def _spelled(model_id: str) -> str:
    """As Anthropic spells it: Claude Code knows that name."""
    return model_id.replace(".", "-")


def _straight_to(host: str, environ: Mapping[str, str]) -> dict[str, str]:
    known = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    listed = [name.strip() for name in known.split(",") if name.strip()]
    if "*" in listed or host in listed:
        return {}
    # Programs differ in which of the two they read.
    return dict.fromkeys(("NO_PROXY", "no_proxy"), ",".join((*listed, host)))


def _fish(value: str) -> str:
    escaped = value.replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"


def _powershell(value: str) -> str:
    # PowerShell takes typographic quotes for plain ones; each is doubled to stand for itself.
    doubled = re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", value)
    return f"'{doubled}'"


SHELLS: Mapping[str, tuple[str, str, _Quote]] = {
    "sh": ("export {}={}", "unset {}", shlex.quote),
    "fish": ("set -gx {} {};", "set -e {};", _fish),
    "powershell": ("$env:{} = {}", "Remove-Item -ErrorAction Ignore Env:{}", _powershell),
}
"""By name: how a variable is set there, how it is unset, how a value is quoted."""
