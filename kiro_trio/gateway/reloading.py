"""Settings that change while the gateway runs: which can be taken over at once, and which want a new start."""

from dataclasses import dataclass

from msgspec import structs

from kiro_trio.settings import Settings, is_loopback

AT_ONCE = frozenset(
    {
        "admin_api_key",
        "api_key",
        "grace_time",
        "load_balancing_mode",
        "log_level",
        "metrics",
        "model_aliases",
        "models",
        "ping_interval",
        "prefill",
        "request_deadline",
        "size_hints",
        "strict_schemas",
        "thinking_history",
        "unknown_models",
        "unsupported_media",
        "upstream_body_limit",
    }
)
"""What `Gateway.adopt` takes over for every request from then on; everything else was built in at the start."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The settings as they are now in force, and what became of each that changed, by its key in the file."""

    settings: Settings
    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]


def adopt(current: Settings, wanted: Settings) -> Adopted:
    """Lay what can be changed at once over the `current` settings."""
    names = [field.name for field in structs.fields(Settings)]
    changed = [name for name in names if getattr(current, name) != getattr(wanted, name)]
    at_once = [name for name in changed if name in AT_ONCE]
    if not wanted.api_key and not is_loopback(current.host) and "api_key" in at_once:
        at_once.remove("api_key")  # we still listen where others can reach us
    settings = structs.replace(current, **{name: getattr(wanted, name) for name in at_once})
    keys = {field.name: field.encode_name for field in structs.fields(Settings)}
    later = [name for name in changed if name not in at_once]
    return Adopted(settings, tuple(keys[name] for name in at_once), tuple(keys[name] for name in later))
