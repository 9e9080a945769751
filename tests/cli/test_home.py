"""Where config and accounts are when nobody says where: found from every folder, once there is a home for them."""

import json
from pathlib import Path

import pytest

from kiro_trio.settings import load_settings, usual_config, usual_config_elsewhere
from tests.cli.program import finished, running

HERE = Path("config.json")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path / ".config" / "kiro-trio"


def test_without_a_home_it_is_the_folder_one_is_in(home):
    assert usual_config() == HERE
    assert load_settings(HERE, {}).settings.credentials_file == "credentials.json"


def test_a_home_is_found_from_everywhere_and_the_accounts_are_beside_the_config(home):
    home.mkdir(parents=True)
    assert usual_config() == usual_config_elsewhere() == home / "config.json"
    assert load_settings(usual_config(), {}).settings.credentials_file == str(home / "credentials.json")


@pytest.mark.parametrize("name", ["config.json", "credentials.json"])
def test_a_folder_that_has_one_of_its_own_goes_first_but_never_for_who_works_elsewhere(home, name):
    home.mkdir(parents=True)
    Path(name).write_text("{}")
    assert usual_config() == HERE
    assert usual_config_elsewhere() == home / "config.json"


def test_what_is_said_of_the_accounts_is_obeyed(home):
    home.mkdir(parents=True)
    (home / "config.json").write_text('{"credentialsFile": "mine.json"}')
    assert load_settings(usual_config(), {}).settings.credentials_file == "mine.json"
    told = load_settings(usual_config(), {"KIRO_TRIO_CREDENTIALS_FILE": "theirs.json"})
    assert told.settings.credentials_file == "theirs.json"


def test_xdg_says_where(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "x"))
    assert usual_config_elsewhere() == tmp_path / "x" / "kiro-trio" / "config.json"


async def test_an_account_that_was_added_somewhere_is_seen_from_somewhere_else(home, tmp_path):
    home.mkdir(parents=True)
    (tmp_path / "key").write_text("ksk_dummy_key_of_the_suite\n")
    with (tmp_path / "key").open() as key:
        async with running(
            Path.cwd(), "accounts", "add", "--api-key", "--no-check", stdin=key.fileno(), HOME=str(tmp_path)
        ) as program:
            assert await program.process.wait() == 0
    assert len(json.loads((home / "credentials.json").read_text())) == 1
    code, out, _ = await finished(tmp_path, "accounts", "list", "--offline", "--json", HOME=str(tmp_path))
    assert code == 0
    assert len(json.loads(out)) == 1
    assert list(Path.cwd().iterdir()) == []
