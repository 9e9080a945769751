"""kiro_trio."""

__version__ = "0.1.0"
