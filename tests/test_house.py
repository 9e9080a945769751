"""The house stands: floors hold, the map is true, and what is written down about it is there."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

import kiro_trio
from kiro_trio.cli.main import main

HOUSE = Path(__file__).parents[1]
PACKAGE = HOUSE / "kiro_trio"
MODULES = sorted(PACKAGE.rglob("*.py"))
READMES = ("README.md", "README.zh-CN.md")

# (the module that breaks a rule, what it must not import, words of the contract that names it)
BREAKS = {
    "a floor is climbed": ("wire/errors.py", "kiro_trio.kiro.catalog", "The house stands on its floors"),
    "strangers meet": (
        "dialects/anthropic/errors.py",
        "kiro_trio.kiro.catalog",
        "The house stands on its floors",
    ),
    "a pure room reads the clock": ("kiro/catalog.py", "time", "Pure rooms touch nothing outside themselves"),
    "a pure room has tasks": (
        "credentials/credential.py",
        "trio",
        "Pure rooms touch nothing outside themselves",
    ),
    "the wire needs a library": (
        "wire/errors.py",
        "msgspec",
        "The wire room needs only the standard library",
    ),
    "HTTP comes into the session": (
        "session/plan.py",
        "quart",
        "Only the front rooms know the web framework",
    ),
    "a second way outwards": ("web/models.py", "httpx", "Only upstream and credentials speak HTTP outwards"),
    "the simulator gets into the gateway": (
        "web/models.py",
        "kiro_trio.simulator.script",
        "Only the command line starts",
    ),
    "a room without a floor": ("utils.py", "kiro_trio.telemetry", "The house stands on its floors"),
}


def lint_imports(where):
    # A function of the library and not its command: that would be another interpreter to start and find.
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as c; c()"
    )
    command = [sys.executable, "-c", program, "--no-cache"]
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603


def test_imports_point_down_only():
    done = lint_imports(HOUSE)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("what", BREAKS)
def test_whoever_breaks_a_contract_is_named(what, tmp_path):
    culprit, forbidden, contract = BREAKS[what]
    shutil.copytree(PACKAGE, tmp_path / "kiro_trio", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    module = tmp_path / "kiro_trio" / culprit
    module.write_text((module.read_text() if module.exists() else "") + f"\nimport {forbidden}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1
    assert re.search(rf"{contract}.* BROKEN", done.stdout)
    assert (
        f"kiro_trio.{culprit.removesuffix('.py').replace('/', '.')}"
        in done.stdout.split("Broken contracts")[-1]
    )


def test_the_map_names_every_room_and_nothing_that_is_not_there():
    named = set(re.findall(r"\b(\w+)(?:/|\.py\b)", kiro_trio.__doc__))
    rooms = {path.stem for path in PACKAGE.iterdir() if path.is_dir() or path.suffix == ".py"}
    there = {path.stem for path in PACKAGE.rglob("*") if path.is_dir() or path.suffix == ".py"}
    assert {room for room in rooms if not room.startswith("_")} <= named
    assert named <= there


def test_every_module_begins_with_what_it_is_about():
    assert [str(path) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def headings():
    return set(re.findall(r"^## (.+)$", (HOUSE / "docs/wire.md").read_text("utf-8"), re.MULTILINE))


def cited(text):
    for citation in re.findall(r'docs/wire\.md,((?:\s*(?:and\s+)?"[^"]+",?)+)', text):
        yield from re.findall(r'"([^"]+)"', citation)


def test_every_citation_of_the_wire_names_a_heading():
    sources = {path: set(cited(path.read_text("utf-8"))) for path in MODULES}
    assert sum(map(len, sources.values())) > 10
    assert {str(path): missing for path, names in sources.items() if (missing := names - headings())} == {}


def test_citations_are_found_one_by_one():
    assert list(cited('Source: docs/wire.md, "Frames".')) == ["Frames"]
    assert list(cited('docs/wire.md, "Tokens and renewal" and "Profile ARN".')) == [
        "Tokens and renewal",
        "Profile ARN",
    ]
    assert list(cited('docs/wire.md, "A", "B", and\n    "C", else "D"')) == ["A", "B", "C"]


def tracked():
    if not (HOUSE / ".git").exists():
        pytest.skip("not a git checkout")
    git = shutil.which("git")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=HOUSE, capture_output=True, text=True, check=True)  # noqa: S603
    return [HOUSE / name for name in listed.stdout.split("\0") if name and (HOUSE / name).is_file()]


# A bracket in each, lest this file finds itself.
FOREIGN = {
    "a path of one machine": re.compile(r"(?<![\w.-])/(?:[w]ork|[f]arm)/[a-z]|/tmp/[a-z]+_[j]obs|/[r]oot/"),
    "a package index": re.compile(
        r"https?://\S*(?:/[s]imple\b|/[p]ackages/|[r]egistry)|^(?:--)?(?:extra-)?[i]ndex-url", re.MULTILINE
    ),
    "a private address": re.compile(
        r"(?<![\d.])(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+(?![\d.])"
    ),
}
OUR_OWN_EXAMPLES = {"192.168.1.2"}


def test_nothing_of_the_machines_it_was_made_on_is_in_the_files():
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        for what, pattern in FOREIGN.items():
            found += [
                f"{path}: {what}: {hit[0]}"
                for hit in pattern.finditer(text)
                if hit[0] not in OUR_OWN_EXAMPLES
            ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "pieces"),
    [
        ("a path of one machine", ("/wor", "k/main")),
        ("a path of one machine", ("/roo", "t/x")),
        ("a package index", ("https://pypi.example/simp", "le")),
        ("a package index", ("x\n--index", "-url y")),
        ("a private address", ("10.", "1.2.3")),
    ],
)
def test_what_must_not_be_in_the_files_would_be_found(what, pieces):
    assert FOREIGN[what].search(f"see {''.join(pieces)}" if "\n" not in pieces[0] else "".join(pieces))


@pytest.mark.parametrize("name", READMES)
def test_the_make_targets_of_the_readme_are_in_the_makefile(name):
    targets = set(re.findall(r"^(\w+):.*## ", (HOUSE / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"(?:^|`)make (\w+)", (HOUSE / name).read_text("utf-8"), re.MULTILINE))
    assert {"demo", "test", "lint", "bench", "fuzz"} <= used
    assert used <= targets


@pytest.mark.parametrize("name", READMES)
def test_the_commands_and_flags_of_the_readme_are_those_of_the_program(name):
    readme = (HOUSE / name).read_text("utf-8")
    rows = dict(re.findall(r"^\| `kiro-trio (\w+)` \| (.*) \|$", readme, re.MULTILINE))
    assert set(rows) == set(main.list_commands(None))
    for command, row in rows.items():
        params = main.get_command(None, command).params
        options = {option for param in params for option in param.opts if option.startswith("-")}
        refusals = {option for param in params for option in param.secondary_opts}  # such as --no-open
        told = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", row))
        assert options <= told <= options | refusals, command


@pytest.mark.parametrize("name", READMES)
def test_the_readme_links_to_files_that_are_there(name):
    links = re.findall(r"\]\(([^)#:]+)\)", (HOUSE / name).read_text("utf-8"))
    assert links
    assert [link for link in links if not (HOUSE / link).exists()] == []


def test_the_locks_have_hashes_and_no_host():
    for lock in ("requirements.lock", "requirements-dev.lock"):
        lines = (HOUSE / lock).read_text().splitlines()
        assert sum("--hash=sha256:" in line for line in lines) > sum("==" in line for line in lines) > 10
        assert not any("://" in line or line.startswith("-") for line in lines)


def test_the_console_command_is_the_one_that_is_installed():
    scripts = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"kiro-trio": f"{main.callback.__module__}:{main.name}"}
    assert CliRunner().invoke(main, ["--version"]).output.strip().endswith(kiro_trio.__version__)
