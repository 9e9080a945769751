"""Scripts from files."""

from pathlib import Path

from kiro_trio.simulator.script import Script, ScriptError, parse_script


def load_script(source: str | Path) -> Script:
    """Read a script from a file (JSON or TOML), or from text: whatever has a line break or begins with a brace.

    Raises:
        ScriptError: the file cannot be read, or what it holds is no script; the message names the file.
    """
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return parse_script(source)
    try:
        text = Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise ScriptError(f"{source} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ScriptError(f"{source} must be UTF-8 text, but byte {error.start} is not") from error
    try:
        return parse_script(text)
    except ScriptError as error:
        raise ScriptError(f"{source}: {error}") from error
