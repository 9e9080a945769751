"""Claude Code in a terminal, with our status line below it."""

import json
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import trio

from tests.end_to_end.claude_code import install
from tests.end_to_end.house import KEY, house


class Terminal:
    """A terminal of tmux that nobody else has, in which a command runs."""

    def __init__(self, folder: Path) -> None:
        found = shutil.which("tmux")
        if found is None:
            pytest.skip("tmux is not installed")
        self._tmux = [found, "-f", "/dev/null", "-S", str(folder / "tmux")]

    async def tmux(self, *arguments: str, check: bool = True) -> str:
        done = await trio.run_process(
            [*self._tmux, *arguments], capture_stdout=True, capture_stderr=True, check=check
        )
        return done.stdout.decode()

    async def run(self, folder: Path, environ: dict[str, str], command: list[str]) -> None:
        settings = [f"{name}={value}" for name, value in environ.items()]
        line = shlex.join(["env", "-i", *settings, *command])
        await self.tmux("new-session", "-d", "-x", "160", "-y", "40", "-c", str(folder), line)

    async def shows(self, words: str) -> str:
        """Wait until these words are on the screen, and return their line."""
        screen = ""
        with trio.move_on_after(40):
            while True:
                screen = await self.tmux("capture-pane", "-p")
                for line in screen.splitlines():
                    if words in line:
                        return line
                await trio.sleep(0.2)  # a screen does not say when it changes
        pytest.fail(f"{words!r} never came:\n{screen}")


async def test_it_shows_account_credits_and_spend(tmp_path: Path) -> None:
    program, terminal = install(), Terminal(tmp_path)
    work = tmp_path / "work"
    work.mkdir()
    told = {"hasCompletedOnboarding": True, "projects": {str(work): {"hasTrustDialogAccepted": True}}}
    (tmp_path / ".claude.json").write_text(json.dumps(told))
    async with house(tmp_path) as here:
        # As `kiro-trio claude` does it: the config is that of the gateway which runs.
        (tmp_path / "config.json").write_text(json.dumps({"port": here.port, "apiKey": KEY}))
        environ = {
            "HOME": str(tmp_path),
            "PATH": "/usr/bin:/bin",
            "TERM": "xterm-256color",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        config = str(tmp_path / "config.json")
        command = [sys.executable, "-m", "kiro_trio", "claude", "--config", config]
        try:
            await terminal.run(work, environ, [*command, "--program", str(program)])
            before = await terminal.shows("credits left")
            await terminal.tmux("send-keys", "Say hello")
            await terminal.shows("Say hello")
            await terminal.tmux("send-keys", "Enter")
            after = await terminal.shows("session 0.")
        finally:
            await terminal.tmux("kill-server", check=False)
    assert "o***@example.com · 987.5 credits left" in before
    assert "session" not in before
    assert "credits, " in after
    assert "context " in after
