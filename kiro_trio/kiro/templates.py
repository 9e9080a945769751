"""Templates: text with `{placeholders}`, of which every URL, header and small body of a preset is made."""

import re
from collections.abc import Mapping

PLACEHOLDERS = frozenset(
    {
        "region",
        "auth_region",
        "origin",
        "machine_id",
        "kiro",
        "node",
        "system",
        "os",
        "cli",
        "invocation_id",
        "token",
        "token_type",
        "profile_arn",
        "next_token",
    }
)
"""What a template may name. `token_type` is `API_KEY` for API keys and else empty; `system` is Node's word for the
operating system with its version, `os` Rust's without."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_template(template: str) -> str:
    """Return `template` if it names only placeholders that there are.

    Raises:
        ValueError: it names another one.
    """
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            raise ValueError(f"unknown placeholder {{{name}}}; there are {', '.join(sorted(PLACEHOLDERS))}")
    return template


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with its placeholders filled in. The values are not looked at again."""
    return _PLACEHOLDER.sub(lambda place: values[place[1]], template)
