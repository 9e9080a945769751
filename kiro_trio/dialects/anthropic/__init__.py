"""dialects/anthropic."""
