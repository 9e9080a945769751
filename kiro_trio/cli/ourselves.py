"""This very program once more, in another process."""

import sys
from pathlib import Path

import kiro_trio

_PROGRAM = (
    "import sys; sys.path.append({home!r}); from kiro_trio.cli.main import main; main(prog_name='kiro-trio')"
)


def ourselves() -> list[str]:
    """The command to which arguments of ours can be added.

    The folder in which one works is no place to take programs from (`-P`): `python -m kiro_trio` would run whatever
    somebody's repository has under this name.
    """
    home = str(Path(kiro_trio.__file__).parents[1])
    return [sys.executable, "-P", "-c", _PROGRAM.format(home=home)]
