"""What targets log is looked through for secrets, as what tests log."""

from tests.secrecy.plugin import no_secret_is_logged

__all__ = ["no_secret_is_logged"]
