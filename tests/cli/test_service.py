import json
import plistlib
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from kiro_trio.cli.units import Service, launchd_plist, systemd_unit
from tests.cli.program import finished

# Stands for systemctl and launchctl: writes down what it was asked, and fails where it is told to.
MANAGER = """#!/bin/sh
echo "$(basename "$0") $*" >> "$HOME/asked"
case "$*" in *"$FAILS"*) [ -z "$FAILS" ] || { echo "Failed to do it: no bus" >&2; exit 1; };; esac
"""

ODD = "a b%c$d\"e'f;g\\h"


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("systemctl", "launchctl"):
        (folder / name).write_text(MANAGER)
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def furnish(folder):
    (folder / "config.json").write_text(json.dumps({"apiKey": "sk-dummy-key"}))


def asked(folder):
    return (folder / "asked").read_text().splitlines()


async def test_systemd_from_install_to_uninstall(tmp_path, path):
    furnish(tmp_path)
    unit = tmp_path / ".config/systemd/user/kiro-trio.service"
    options = ("--manager", "systemd")
    code, out, err = await finished(tmp_path, "service", "install", *options, PATH=path, FAILS="")
    assert (code, out) == (0, ""), err
    assert asked(tmp_path) == [
        "systemctl --user daemon-reload",
        "systemctl --user enable kiro-trio.service",
        "systemctl --user restart kiro-trio.service",
    ]
    text = unit.read_text()
    assert f"--config {tmp_path}/config.json --credentials {tmp_path}/credentials.json" in text
    assert "sk-dummy" not in text
    assert stat.S_IMODE(unit.stat().st_mode) == 0o600
    code, shown, _ = await finished(tmp_path, "service", "show", *options, PATH=path)
    assert (code, shown) == (0, text)
    code, _, err = await finished(tmp_path, "service", "uninstall", *options, PATH=path, FAILS="")
    assert code == 0, err
    assert not unit.exists()
    assert "systemctl --user disable --now kiro-trio.service" in asked(tmp_path)
    assert (tmp_path / "config.json").exists()
    code, _, err = await finished(tmp_path, "service", "uninstall", *options, PATH=path, FAILS="")
    assert (code, err) == (1, f"Error: there is no {unit}\n")


async def test_launchd_from_install_to_uninstall(tmp_path, path):
    furnish(tmp_path)
    plist = tmp_path / "Library/LaunchAgents/io.github.kiro-trio.plist"
    options = ("--manager", "launchd")
    code, _, err = await finished(tmp_path, "service", "install", *options, PATH=path, FAILS="bootout")
    assert code == 0, err  # there was none to let go before
    assert [line.split()[:2] for line in asked(tmp_path)] == [
        ["launchctl", "bootout"],
        ["launchctl", "bootstrap"],
    ]
    assert plistlib.loads(plist.read_bytes())["EnvironmentVariables"] == {
        "KIRO_TRIO_CONFIG": f"{tmp_path}/config.json"
    }
    assert (await finished(tmp_path, "service", "uninstall", *options, PATH=path, FAILS=""))[0] == 0
    assert not plist.exists()


@pytest.mark.parametrize(
    ("args", "environ", "code", "said"),
    [
        (("install", "--manager", "systemd"), {"FAILS": "restart"}, 1, "`systemctl --user restart kiro-trio.service` failed: Failed to do it: no bus"),
        (("install", "--manager", "systemd"), {"PATH": "/nowhere"}, 1, "there is no systemctl here"),
        (("install", "--manager", "launchd", "--machine"), {}, 2, "--machine is for systemd only"),
        (("install", "-c", "broken.json", "--manager", "systemd"), {}, 2, "broken.json"),
    ],
)  # fmt: skip
async def test_what_goes_wrong_is_one_sentence(tmp_path, path, args, environ, code, said):
    furnish(tmp_path)
    (tmp_path / "broken.json").write_text('{"port": "x"}')
    got, out, err = await finished(tmp_path, "service", *args, **{"PATH": path, "FAILS": "", **environ})
    assert (got, out) == (code, "")
    assert said in err
    assert "Traceback" not in err


async def test_without_a_start_nobody_is_asked(tmp_path, path):
    furnish(tmp_path)
    code, _, _ = await finished(
        tmp_path, "service", "install", "--no-start", "--manager", "systemd", PATH=path
    )
    assert code == 0
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize("machine", [False, True])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path, machine):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    folder = tmp_path / ODD.replace("\\", "")
    folder.mkdir()
    service = Service(
        ("/bin/true", "serve", "--config", str(folder / "config.json")),
        folder,
        folder / "config.json",
        machine,
    )
    (tmp_path / "kiro-trio.service").write_text(systemd_unit(service))
    done = subprocess.run(  # noqa: S603
        [analyze, "verify", "--man=no", *(["--user"] if not machine else []), str(tmp_path / "kiro-trio.service")],
        capture_output=True, text=True, check=False, env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    complaints = [
        line for line in done.stderr.splitlines() if "kiro-trio.service" in line and "Failed to" not in line
    ]
    assert complaints == []


def test_the_machines_unit_is_hardened(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    text = systemd_unit(
        Service(
            ("/bin/true",), Path("/var/lib/kiro-trio"), Path("/var/lib/kiro-trio/config.json"), machine=True
        )
    )
    (tmp_path / "kiro-trio.service").write_text(text)
    done = subprocess.run(  # noqa: S603
        [analyze, "security", "--offline=yes", "--threshold=25", str(tmp_path / "kiro-trio.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze is too old to judge a file")
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_odd_paths_stay_what_they_are():
    folder = Path("/srv") / ODD
    service = Service(
        ("/bin/kiro-trio", "serve", str(folder / "config.json")), folder, folder / "config.json"
    )
    assert plistlib.loads(launchd_plist(service).encode())["ProgramArguments"][2] == str(
        folder / "config.json"
    )
    (line,) = [line for line in systemd_unit(service).splitlines() if line.startswith("ExecStart=")]
    assert line.endswith('serve "/srv/a b%%c$$d\\"e\'f;g\\\\h/config.json"')
