"""Where the settings of this process come from: so that they can be read again, and one of them changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kiro_trio.credentials.atomic import locked, replace_file
from kiro_trio.settings.errors import Place, SettingsError
from kiro_trio.settings.sources import Loaded, load_settings, read_file
from kiro_trio.settings.table import rows


@dataclass(frozen=True, slots=True)
class Source:
    """A config file, the environment and the flags, as `load_settings` takes them."""

    config: Path
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    flags: Mapping[str, tuple[str, Any]] = field(default_factory=dict, repr=False)

    def load(self) -> Loaded:
        """Read all settings; raises as `load_settings` does."""
        return load_settings(self.config, self.environ, self.flags)

    def keep(self, changes: Mapping[str, Any]) -> tuple[str, ...]:
        """Write settings, by their names, into the file; all else in it stays as it is. Blocking.

        Returns:
            What wins over the file and will after a restart: the variables and flags of these settings.

        Raises:
            SettingsError: the file cannot be read or written, and nothing was changed.
        """
        keys = {row.name: row for row in rows()}
        try:
            with locked(self.config):
                content = read_file(self.config) | {keys[name].key: value for name, value in changes.items()}
                replace_file(self.config, json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise SettingsError(Place(str(self.config)), f"cannot be written: {error.strerror}") from None
        variables = [keys[name].variable for name in changes if self.environ.get(keys[name].variable)]
        flags = [self.flags[name][0] for name in changes if self.flags.get(name, ("", None))[1] is not None]
        return (*variables, *flags)
