"""The gateway for a hypercorn of one's own: `hypercorn -k trio kiro_trio.cli.asgi:app`."""

from kiro_trio.admin import mount
from kiro_trio.web.hosting import HostedApp

app = HostedApp([mount])
"""Reads the config of `KIRO_TRIO_CONFIG`; the address, the number of workers and TLS are hypercorn's to know."""
