"""Where a person's config and accounts live when nobody says where."""

import os
from collections.abc import Mapping
from pathlib import Path

CONFIG = "config.json"
ACCOUNTS = "credentials.json"


def home_folder(environ: Mapping[str, str]) -> Path:
    """The folder that is looked into from everywhere: `~/.config/kiro-trio`, or where XDG_CONFIG_HOME says."""
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "kiro-trio"


def usual_config() -> Path:
    """The config that is meant if none is named: of this folder, if it has one or accounts; else of the home folder.

    Where there is no home folder it is this folder's, too.
    """
    here = Path(CONFIG)
    folder = home_folder(os.environ)
    return here if here.exists() or Path(ACCOUNTS).exists() or not folder.is_dir() else folder / CONFIG


def usual_config_elsewhere() -> Path:
    """The config of the home folder: for who works in folders of other people, whose `config.json` is not ours to trust."""
    return home_folder(os.environ) / CONFIG
