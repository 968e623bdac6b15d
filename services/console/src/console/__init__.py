"""console: the pages that people use, and the live status over server-sent events."""
