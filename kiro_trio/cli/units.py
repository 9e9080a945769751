"""The descriptions by which systemd and launchd run the gateway. Pure text."""

import plistlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LABEL = "io.github.kiro-trio"
UNIT = "kiro-trio.service"

# Longer than `shutdownGrace` and a renewal together, so that neither a stream is cut nor a token lost.
_STOP_SECONDS = 75

# What a network service of one's own needs none of. Those that systemd cannot give a user's own services (they want
# rights over the machine) stand below.
_HARDENING: tuple[tuple[str, str], ...] = (
    ("NoNewPrivileges", "yes"),
    ("UMask", "0077"),
    ("LockPersonality", "yes"),
    ("RestrictRealtime", "yes"),
    ("RestrictSUIDSGID", "yes"),
    ("RestrictNamespaces", "yes"),
    ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX AF_NETLINK"),
    ("SystemCallArchitectures", "native"),
    ("SystemCallFilter", "@system-service"),
    ("SystemCallFilter", "~@privileged"),  # not @resources: who reads a PDF sets limits for itself
    ("SystemCallErrorNumber", "EPERM"),
)
_MACHINE_HARDENING: tuple[tuple[str, str], ...] = (
    ("CapabilityBoundingSet", ""),
    ("AmbientCapabilities", ""),
    ("ProtectSystem", "strict"),
    ("ProtectHome", "yes"),
    ("PrivateTmp", "yes"),
    ("PrivateDevices", "yes"),
    ("ProtectClock", "yes"),
    ("ProtectHostname", "yes"),
    ("ProtectKernelLogs", "yes"),
    ("ProtectKernelModules", "yes"),
    ("ProtectKernelTunables", "yes"),
    ("ProtectControlGroups", "yes"),
    ("ProtectProc", "invisible"),
    ("ProcSubset", "pid"),
    ("RemoveIPC", "yes"),
)


@dataclass(frozen=True, slots=True)
class Service:
    """What is to be run, for a user or (`machine`) for all.

    `folder` holds the config and the accounts, and is all that the service writes to.
    """

    command: Sequence[str]
    folder: Path
    config: Path
    machine: bool = False


def systemd_unit(service: Service) -> str:
    """The text of a systemd unit."""
    lines = [
        "[Unit]",
        "Description=kiro-trio, an Anthropic Messages API gateway to Kiro",
        "After=network-online.target",
        "Wants=network-online.target",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        f"ExecStart={' '.join(map(_systemd_word, service.command))}",
        f"WorkingDirectory={_systemd_path(service.folder)}",
        f"Environment={_systemd_word(f'KIRO_TRIO_CONFIG={service.config}')}",
        "Restart=on-failure",
        "RestartSec=5",
        # Wrong settings do not become right by starting again.
        "RestartPreventExitStatus=2",
        f"TimeoutStopSec={_STOP_SECONDS}",
        "KillMode=mixed",
    ]
    rows = _HARDENING
    if service.machine:
        lines += ["User=kiro-trio", "Group=kiro-trio"]
        lines += [f"ReadWritePaths={_systemd_word(str(service.folder))}"]
        rows += _MACHINE_HARDENING
    lines += [f"{name}={value}" for name, value in rows]
    wanted = "multi-user.target" if service.machine else "default.target"
    return "\n".join([*lines, "", "[Install]", f"WantedBy={wanted}", ""])


def launchd_plist(service: Service) -> str:
    """The text of a launchd property list."""
    content: Mapping[str, object] = {
        "Label": LABEL,
        "ProgramArguments": list(service.command),
        "WorkingDirectory": str(service.folder),
        "EnvironmentVariables": {"KIRO_TRIO_CONFIG": str(service.config)},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        "ExitTimeOut": _STOP_SECONDS,
        "ProcessType": "Interactive",  # else its timers are slowed down, and with them every stream
        "Umask": 0o077,
        "StandardOutPath": str(service.folder / "kiro-trio.log"),
        "StandardErrorPath": str(service.folder / "kiro-trio.log"),
    }
    return plistlib.dumps(dict(content)).decode()


def _systemd_word(word: str) -> str:
    """A word of a systemd line: quoted, with its own escapes, and without `%` and `$` meaning anything."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return (
        f'"{escaped}"' if escaped != word or not word or any(letter in " \t';" for letter in word) else word
    )


def _systemd_path(path: Path) -> str:
    return str(path).replace("%", "%%")
