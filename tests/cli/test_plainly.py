import socket

import click
import pytest

from kiro_trio.cli.plainly import plainly
from kiro_trio.credentials.document import InvalidFile
from kiro_trio.settings import Place, SettingsError
from kiro_trio.simulator.script import ScriptError

ERRORS = [
    (SettingsError(Place("config.json", "port"), "must be a number"), 2),
    (ScriptError("trouble.toml: no"), 2),
    (InvalidFile("credentials.json: no"), 2),
]


def wrapped(error, depth):
    for _ in range(depth):
        error = ExceptionGroup("nursery", [error])
    return error


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_what_a_user_can_mend_is_a_sentence_and_an_exit_code(error, code, depth):
    with pytest.raises(click.ClickException) as caught, plainly():
        raise wrapped(error, depth)
    assert caught.value.message == str(error)
    assert caught.value.exit_code == code


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(98, "Address already in use"), "cannot listen on 127.0.0.1:80: Address already in use"),
        (wrapped(OSError(13, "Permission denied"), 2), "cannot listen on 127.0.0.1:80: Permission denied"),
        (OSError(13, "Permission denied", "accounts.json"), "cannot use accounts.json: Permission denied"),
        (socket.gaierror(-2, "Name or service not known"), "cannot listen on 127.0.0.1:80: Name or service"),
    ],
    ids=repr,
)
def test_what_the_system_refuses_is_told_with_what_it_is_about(error, message):
    with pytest.raises(click.ClickException) as caught, plainly("127.0.0.1:80"):
        raise error
    assert caught.value.message.startswith(message)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a bug"),
        wrapped(ValueError("a bug"), 2),
        ExceptionGroup("two", [OSError(1, "a"), OSError(1, "b")]),
    ],
    ids=repr,
)
def test_a_bug_keeps_its_traceback(error):
    with pytest.raises(type(error)) as caught, plainly():
        raise error
    assert caught.value is error


def test_nothing_wrong_nothing_said():
    with plainly():
        pass
