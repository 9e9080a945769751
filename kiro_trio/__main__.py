"""`python -m kiro_trio` is the same as the command `kiro-trio`."""

from kiro_trio.cli.main import main

if __name__ == "__main__":
    main()
