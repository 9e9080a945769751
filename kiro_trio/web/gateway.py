"""Gateway: what all requests share, built once from the settings.

Below this module nobody reads settings; here they are taken apart and handed on as values.
"""
