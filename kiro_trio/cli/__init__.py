"""The command line: `serve` runs the gateway, `simulate` a Kiro of our own, `demo` both with one request through them.

Here, and only here, the house is put together: settings are read, logs are switched on, signals are caught.
"""
