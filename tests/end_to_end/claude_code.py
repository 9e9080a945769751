"""Claude Code itself, installed from npm into a cache outside the checkout, run headless against loopback only."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

PACKAGE, VERSION = "@anthropic-ai/claude-code-linux-x64", "2.1.330"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kiro-trio-tests" / "claude-code"


def install() -> Path:
    """Return the program; skips the test where it cannot be had."""
    program = CACHE / "node_modules" / PACKAGE / "claude"
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("Claude Code: npm is not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    command = [
        npm,
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(CACHE),
        f"{PACKAGE}@{VERSION}",
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"Claude Code: npm could not install it ({type(error).__name__})")
    return program


@dataclass
class Turn:
    """What one headless run printed: its messages as JSON, and its exit code."""

    messages: list[dict[str, Any]]
    code: int
    stderr: str

    @property
    def result(self) -> dict[str, Any]:
        return next(message for message in reversed(self.messages) if message["type"] == "result")

    def tools(self) -> list[str]:
        """The names of the tools that were called, in order."""
        return [
            block["name"]
            for message in self.messages
            if message["type"] == "assistant"
            for block in message["message"]["content"]
            if block["type"] == "tool_use"
        ]


async def ask(
    program: Path, home: Path, url: str, key: str, prompt: str, *arguments: str, **variables: str
) -> Turn:
    """Run `claude -p PROMPT` in an empty HOME, with dummy keys, talking to `url` only; `variables` go to its environment."""
    work = home / "work"
    work.mkdir(exist_ok=True)
    environment = {
        "HOME": str(home),
        "PATH": os.environ.get("PATH", ""),
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_AUTH_TOKEN": key,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "NO_PROXY": "*",
        **variables,
    }
    command = [
        str(program), "-p", prompt, "--output-format", "stream-json", "--verbose",
        "--allowedTools", "Bash", "Read", "Write", "Edit", "WebSearch", *arguments,
    ]  # fmt: skip
    with trio.fail_after(90):
        done = await trio.run_process(
            command,
            cwd=work,
            env=environment,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            stdin=b"",
        )
    lines = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]
    return Turn(lines, done.returncode, done.stderr.decode())
