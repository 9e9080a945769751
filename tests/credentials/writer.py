"""A process that renews one credential of a file over and over, for the tests that kill it.

Usage: python writer.py FILE CREDENTIAL_ID ROUNDS NAME

It prints each token when the file has it: a token that was printed must never be lost.
"""

import sys
from pathlib import Path

from kiro_trio.credentials.credential import Defaults
from kiro_trio.credentials.file import CredentialsFile

PADDING = "r" * 100


def main(path: str, number: str, rounds: str, name: str) -> None:
    file = CredentialsFile(Path(path), Defaults())
    file.open()
    for count in range(int(rounds)):
        token = f"aor-{name}-{count}-{PADDING}"
        file.save(
            int(number), {"accessToken": f"aoa-{name}-{count}", "refreshToken": token, "counter": count}
        )
        if file.problem:
            raise SystemExit(file.problem)
        print(token, flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
