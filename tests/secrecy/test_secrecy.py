"""What looks through the logs of every test finds what is there: a run of leaking tests is seen to fail, each for its reason."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kiro_trio.admin import sessions
from kiro_trio.gateway import clients, signing
from kiro_trio.simulator.accounts import Account
from tests.secrecy.listening import HOUSE
from tests.secrecy.sought import PIECE, Sought, sought

TOKEN = Account("somebody@example.com").refresh_token
PASSWORD = "hunter2-of-nobody"  # of no shape, and registered by none of the leaking tests

# Where a secret stands, and what of it is said
FOUND = {
    "all of it": (f"renewed with {TOKEN}", {}),
    "a piece of what is made up": (TOKEN[30 : 30 + PIECE], {}),
    "a piece of what we know": ("... passwor=unter2-of-nob!", {"proxyPassword": PASSWORD}),
    "a piece between signs": (
        "refused: passwor=unter2-of-nob",
        {"proxyPassword": f"{PASSWORD}==; {PASSWORD}"},
    ),
    "letters that are too few for pieces": (f"<{'r' * 120}>", {"refreshToken": "r" * 120}),
    "a short one": ('{"password":"pw 7"}', {"proxyPassword": "pw 7"}),
    "percent-encoded": ("http://u:p%40ss%2Fw%C3%B6rd@h", {"proxyPassword": "p@ss/wörd"}),
    "as JSON writes it": ('"p\\u00e4ss \\"word\\""', {"proxyPassword": 'päss "word"'}),
    "a key of a client": ("key sk-new-key", {}),
    "a key of Kiro": ("ksk_1", {}),
    "an access token": ("aoa-a-b-c", {}),
    "a web token": ("eyJhbGciOiJub25lIn0", {}),
}
HARMLESS = {
    "words": ("the bearer token is invalid; input_tokens=12 task-0123456789", {"apiKey": "another"}),
    "a part that is too short": (PASSWORD[: PIECE - 1], {"proxyPassword": PASSWORD}),
    "one letter again and again": ("r" * 50, {"refreshToken": "r" * 120}),
    "an id": ("req_0123456789abcdef01234567 arn:aws:x aorta", {"apiKey": TOKEN}),
    "what is no secret's": (PASSWORD, {"email": PASSWORD}),
}


def pieces_of(text, environ):
    secrets = Sought()
    secrets.add_environment(environ)
    return list(secrets.within(text))


@pytest.mark.parametrize(("text", "environ"), FOUND.values(), ids=list(FOUND))
def test_a_secret_is_found(text, environ):
    assert pieces_of(text, environ)


@pytest.mark.parametrize(("text", "environ"), HARMLESS.values(), ids=list(HARMLESS))
def test_what_is_none_is_passed_over(text, environ):
    assert pieces_of(text, environ) == []


def test_files_are_searched_by_the_names_of_secrets(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.json").write_text(
        f'[{{"id": 1, "proxyPassword" : "{PASSWORD}", "email": "e@example.com"}}]'
    )
    secrets = Sought()
    secrets.add_files(tmp_path)
    assert secrets.values == {PASSWORD: "proxyPassword in c.json"}


def test_what_the_gateway_draws_is_overheard():
    drawing = (sessions.token_urlsafe, clients.token_urlsafe, signing.token_bytes)
    assert all(hasattr(draw, "__wrapped__") for draw in drawing)  # it was imported after the plugin
    assert signing.make_proof(signing.token_bytes).verifier in sought.values
    assert clients.token_urlsafe(9) in sought.values


LEAKING = f"""
import json, logging, secrets, structlog, pytest
from pathlib import Path
from kiro_trio import telemetry
from kiro_trio.simulator.accounts import Account
from tests.secrecy.listening import HOUSE, read_log

log = telemetry.get_logger("room")
TOKEN = Account("somebody@example.com").refresh_token

def said_by_us(code, **names):
    exec(compile(code, str(HOUSE / "kiro_trio" / "made_up.py"), "exec"), {{"log": log, **names}})

def test_harmless():
    said_by_us("log.info('renewed', credential=1)")
    log.info("a test may try the scrubber", token=TOKEN)

def test_unregistered(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps({{"proxyPassword": "{PASSWORD}"}}))
    log.warning("refused", why="{PASSWORD} is wrong")

def test_too_quiet_for_its_log():
    telemetry.configure_logging("error", "json")
    log.debug("kept", code=secrets.token_urlsafe(24))

def test_captured():
    with structlog.testing.capture_logs():
        log.debug("kept", code=secrets.token_urlsafe(24))

def test_library():
    logging.getLogger("library").debug("proof %s", secrets.token_bytes(32).hex and TOKEN[3:15])

def test_program():
    read_log(b"harmless\\nkey sk-new-key", "stderr of a program")

def test_left_behind(tmp_path):
    (tmp_path / "gateway.log").write_text("ksk_key")

def test_ours_scrubbed():
    telemetry.register_secret(TOKEN)
    said_by_us("log.info('renewed', with_=token)", token=TOKEN)

def test_ours_in_a_traceback():
    said_by_us("try: int(token)\\nexcept ValueError: log.exception('bug')", token=TOKEN)

def test_library_scrubbed():
    exec(compile("log.warning(token)", "/x/site-packages/library/wire.py", "exec"), {{"log": logging.getLogger("library"), "token": TOKEN}})
"""
# What is said of each: (its place, why the secret is known)
TOLD = {
    "test_unregistered": r"A secret reached a log: .*proxyPassword in c.json.*: .*refused",
    "test_too_quiet_for_its_log": r"A secret reached a log: .*drawn at random.*: .*kept",
    "test_captured": r"A secret reached a log: .*drawn at random.*: .*kept",
    "test_library": r"A secret reached a log: .*\(library\): .*looks like a secret.*: .*proof",
    "test_program": r"A secret reached a log: stderr of a program, line 2: .*looks like a secret: ",
    "test_left_behind": r"A secret reached a log: gateway.log, line 1: .*looks like a secret: ",
    "test_ours_scrubbed": r"Our own code hands a secret to a log: kiro_trio/made_up.py:1: .*registered.*: .*renewed",
    "test_ours_in_a_traceback": r"Our own code hands a secret to a log: kiro_trio/made_up.py:2: .*bug",
}


# Files that start a program of ours and do not have its log looked through, and why
UNHEARD = {
    "tests/end_to_end/test_claude_code_statusline.py": "it writes to a terminal; the gateway that it starts leaves gateway.log",
}
_STARTED = re.compile(r'"-m", "kiro_trio"|-m kiro_trio|cli\.asgi:app"|gateway_process\.__file__')


def test_every_program_of_ours_is_listened_to():
    texts = {
        f"{path.relative_to(HOUSE)}": path.read_text()
        for folder in ("tests", "fuzz")
        for path in (HOUSE / folder).rglob("*.py")
        if path != Path(__file__)
    }
    starting = {name for name, text in texts.items() if _STARTED.search(text)}
    assert "tests/cli/program.py" in starting
    assert {name for name in starting if not re.search(r"read_log\(|\.log\"", texts[name])} == UNHEARD.keys()


def leaking_run(folder, before=""):
    (folder / "conftest.py").write_text(
        f"{before}\nfrom tests.secrecy.plugin import no_secret_is_logged, pytest_terminal_summary\n"
    )
    (folder / "test_leaks.py").write_text(LEAKING)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir=.", "--show-capture=no", "--tb=short",
         "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest", "-p", "no:pytest_trio"],
        cwd=folder, env={"PATH": "", "PYTHONPATH": str(HOUSE)}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    told = dict(
        re.findall(r"^_+ ERROR at teardown of (\w+) _+\n((?:(?!__).*\n)*)", done.stdout, re.MULTILINE)
    )
    return done.stdout, told


def test_a_run_with_leaks_fails_and_says_where(tmp_path: Path) -> None:
    out, told = leaking_run(tmp_path)
    assert told.keys() == TOLD.keys(), out
    for name, words in TOLD.items():
        assert re.search(words, told[name]), told[name]
    assert "10 passed, 8 errors" in out
    assert "of 10 tests looked through" in out
    assert out.split("by the scrubber alone: ")[1].startswith(
        "/"
    )  # the test that may try it, out of its place here
    assert "library/wire.py:1 (library)\n" in out
    assert PASSWORD not in out
    assert TOKEN not in out


def test_a_run_with_a_broken_scrubber_fails(tmp_path: Path) -> None:
    out, told = leaking_run(
        tmp_path,
        "from kiro_trio import telemetry\ntelemetry.redact_event = lambda logger, method, event: event",
    )
    assert "test_harmless" in told, out
    assert "test_library_scrubbed" in told
