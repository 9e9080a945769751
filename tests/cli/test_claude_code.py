import shlex

import pytest

from kiro_trio.cli.claude_code import claude_code_lines


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8990", "http://127.0.0.1:8990"),
        ("http://0.0.0.0:8990", "http://127.0.0.1:8990"),
        ("http://[::]:8990", "http://[::1]:8990"),
        ("http://192.168.1.2:80", "http://192.168.1.2:80"),
    ],
)
def test_the_lines_name_an_address_that_can_be_reached(url, base):
    assert [shlex.split(line) for line in claude_code_lines(url, "sk-$dummy").splitlines()] == [
        ["export", f"ANTHROPIC_BASE_URL={base}"],
        ["export", "ANTHROPIC_AUTH_TOKEN=sk-$dummy"],
        ["claude"],
    ]
