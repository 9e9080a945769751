"""A process that is killed in the middle of saving a renewed token, once for each folder that it is given.

Usage: python dying.py STEP:STYLE:FOLDER ...

`STEP` says where it dies: before or after the n-th call of `exchange`, `fsync` or `sleep`, such as `after-exchange-1`. `STYLE` says how an editor saves
`FOLDER/edited.json` right before the first exchange, as in `editing.STYLES`; "" for no editor.
"""

import os
import signal
import sys
import time
from pathlib import Path

from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.file import CredentialsFile
from kiro_trio.credentials.swap import exchange
from tests.credentials.editing import STYLES
from tests.credentials.entries import rotated


class Mortal:
    """A function that is the last one of this process, if it is called as often as `step` says."""

    def __init__(self, function, step, before=lambda: None):
        self.function = function
        self.step = step
        self.before = before
        self.calls = 0

    def __call__(self, *arguments):
        self.calls += 1
        if self.calls == 1:
            self.before()
        self._die_at("before")
        result = self.function(*arguments)
        self._die_at("after")
        return result

    def _die_at(self, moment):
        if self.step == f"{moment}-{self.function.__name__}-{self.calls}":
            os.kill(os.getpid(), signal.SIGKILL)


def die(step: str, style: str, folder: Path) -> None:
    path, edited = folder / "credentials.json", folder / "edited.json"
    edit = (lambda: STYLES[style](path, edited.read_bytes())) if style else (lambda: None)
    file = CredentialsFile(path, Defaults(), Mortal(exchange, step, edit))
    file.open()
    os.fsync, time.sleep = Mortal(os.fsync, step), Mortal(time.sleep, step)
    file.save(1, rotated("b"))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        child = os.fork()
        if not child:
            step, style, folder = argument.split(":", 2)
            die(step, style, Path(folder))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"{argument}: not killed"
