"""What the owner decides: read from file, environment and flags, checked once, then handed down as values.

Settings stand near the top of the house on purpose: below, nobody reads configuration.
"""

from kiro_trio.settings.checks import is_loopback
from kiro_trio.settings.definition import Settings
from kiro_trio.settings.errors import Place, SettingsError
from kiro_trio.settings.firststart import write_first_config
from kiro_trio.settings.home import usual_config, usual_config_elsewhere
from kiro_trio.settings.sources import Loaded, load_settings

__all__ = [
    "Loaded",
    "Place",
    "Settings",
    "SettingsError",
    "is_loopback",
    "load_settings",
    "usual_config",
    "usual_config_elsewhere",
    "write_first_config",
]
