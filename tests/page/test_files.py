"""What must hold of the page's files wherever they are read: small, without markup from strings, the same in both languages."""

import re
import shutil
import subprocess

import pytest

from kiro_trio.admin.page import FOLDER, TYPES

FILES = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.iterdir())}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}

# What would read markup, run text, or stand in the way of the policy that the page is served with.
NEVER = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|createContextualFragment|document\.write|DOMParser|setHTML|srcdoc=|"
    r"\beval\(|new Function|javascript:|setAttribute\(\"(?:style|on)|\.cssText|set(?:Timeout|Interval)\(\s*[\"'`]"
)
ADDRESS = re.compile(r"https?://[\w.-]+")
OURS = {"http://www.w3.org", "http://proxy.example", "https://example.awsapps.com", "http://localhost"}


def table(name: str) -> dict[str, str]:
    """The words of a table, with those of the tables that it takes in."""
    text = FILES[name]
    words = dict(re.findall(r'^  "?([\w.-]+)"?: "((?:[^"\\]|\\.)*)",$', text, re.MULTILINE))
    for other in re.findall(r'from "\./([\w-]+\.js)"', text):
        words |= table(other)
    return words


ENGLISH, CHINESE = table("words-en.js"), table("words-zh.js")


def test_nothing_is_there_that_is_not_served() -> None:
    assert {f".{name.rpartition('.')[2]}" for name in FILES} <= set(TYPES)


@pytest.mark.parametrize("name", FILES)
def test_files_are_small(name) -> None:
    assert len(FILES[name].splitlines()) <= 300


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_say_what_they_are_about_and_read_no_markup(name) -> None:
    assert SCRIPTS[name].startswith("// ")
    assert NEVER.findall(SCRIPTS[name].replace('name === "srcdoc"', "")) == []


@pytest.mark.parametrize(
    "line", ["node.innerHTML = x", "eval(x)", "setTimeout('x', 1)", 'a.setAttribute("onclick", x)']
)
def test_what_must_not_be_there_would_be_found(line) -> None:
    assert NEVER.search(line)


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    page = FILES["index.html"]
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=", page) == []
    named = set(re.findall(r'(?:src|href)="/admin/([\w.-]+)"', page))
    assert named <= set(FILES)
    assert {name for name in FILES if name.endswith(".css")} <= named


def test_nothing_is_fetched_from_elsewhere() -> None:
    found = {address for text in FILES.values() for address in ADDRESS.findall(text)}
    assert found <= OURS


def test_every_script_is_used() -> None:
    used = {other for text in SCRIPTS.values() for other in re.findall(r'from "\./([\w-]+\.js)"', text)}
    assert used | {"app.js"} == set(SCRIPTS)


def test_both_languages_say_the_same_things() -> None:
    assert len(ENGLISH) > 300
    without = {name for name in ENGLISH if not name.endswith(".one")}  # Chinese has no plural
    assert without == set(CHINESE)
    places = {name: set(re.findall(r"\{\w+\}", words)) for name, words in ENGLISH.items()}
    assert {
        name: words for name, words in CHINESE.items() if set(re.findall(r"\{\w+\}", words)) != places[name]
    } == {}


def test_every_word_that_is_asked_for_is_there() -> None:
    asked = {name for text in SCRIPTS.values() for name in re.findall(r'\bt\("([\w.-]+)"', text)}
    assert len(asked) > 150
    assert asked <= set(ENGLISH)


def test_the_words_for_what_the_gateway_names_are_there() -> None:
    from kiro_trio.admin.sign_ins import PROVIDERS  # noqa: PLC0415 - the names belong to this test only
    from kiro_trio.conversation.faults import Fault  # noqa: PLC0415
    from kiro_trio.credentials.credential import AccountKind  # noqa: PLC0415
    from kiro_trio.credentials.standing import Standing  # noqa: PLC0415
    from kiro_trio.gateway.live import Phase  # noqa: PLC0415
    from kiro_trio.session.plan import Progress  # noqa: PLC0415

    wanted = {
        *(f"standing.{one.name.lower()}" for one in Standing),
        *(f"fault.{one.name.lower()}" for one in Fault),
        *(f"phase.{one.name.lower()}" for one in Phase),
        *(f"heard.{one.name.lower()}" for one in Progress),
        *(f"kind.{one.value}" for one in AccountKind),
        *(f"provider.{name}" for name in PROVIDERS),
    }
    assert wanted <= set(ENGLISH)
    reasons = {one.name.lower() for one in Standing} - {"ready", "misconfigured"}
    assert {f"why.{name}" for name in reasons} <= set(ENGLISH)


def test_node_can_read_every_script(tmp_path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    for name, text in SCRIPTS.items():
        (tmp_path / name).with_suffix(".mjs").write_text(text, "utf-8")
    program = "for (const name of process.argv.slice(1)) { new (require('vm').SourceTextModule)(require('fs').readFileSync(name, 'utf8')); }"
    names = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(  # noqa: S603 - node reads our own files
        [node, "--experimental-vm-modules", "--no-warnings", "-e", program, *names],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
