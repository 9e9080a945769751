import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from kiro_trio import __version__
from kiro_trio.cli.main import main


def run(*args):
    return CliRunner().invoke(main, args)


def test_version_needs_none_of_the_rooms():
    program = (
        "import sys; from kiro_trio.cli.main import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: print('trio' in sys.modules, 'quart' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert said.splitlines() == [f"kiro-trio, version {__version__}", "False False"]


def test_help_names_every_command_with_a_sentence_and_examples():
    said = run("--help").output
    for words in (
        r"serve +Run the gateway",
        r"simulate +Run a simulated Kiro",
        r"demo +Show the gateway",
        r"doctor +Find out what is wrong",
        r"Examples:",
    ):
        assert re.search(words, said)


def tree(group=main, path=()):
    yield path
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from tree(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(tree()), ids=" ".join)
def test_every_command_has_a_help_with_examples_that_are_its_own(path):
    for flag in ("-h", "--help"):
        done = run(*path, flag)
        assert done.exit_code == 0
    assert re.search(rf"^Usage: main {' '.join((*path, ''))}\[OPTIONS\]", done.output)
    examples = done.output.partition("Examples:\n")[2].splitlines()
    assert examples
    assert all(f"kiro-trio {' '.join(path)}".strip() in example for example in examples if example.strip())
    assert (
        "..." not in done.output.partition("Commands:\n")[2].partition("Examples:")[0]
    )  # nothing is cut off
    assert max(map(len, done.output.splitlines())) <= 100


@pytest.mark.parametrize("path", list(tree()), ids=" ".join)
def test_the_examples_are_commands_that_exist(path):
    examples = run(*path, "--help").output.partition("Examples:\n")[2]
    for line in re.findall(r"kiro-trio ([^|&)\"]*)", examples):
        words = re.split(r"  +|[<>]", line)[0].split()
        command = main
        while isinstance(command, click.Group) and words:
            command = command.get_command(None, words.pop(0))
            assert command is not None, line
        known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        if words[:1] == ["--"] or command.name == "claude":
            continue  # the rest is another program's
        used = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert used <= known | {"--help"}, line


@pytest.mark.parametrize("args", [("serv",), ("serve", "--prot", "1"), ("serve", "extra")])
def test_what_is_not_there_is_a_usage_error(args):
    assert run(*args).exit_code == 2
