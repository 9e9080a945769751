"""kiro."""
