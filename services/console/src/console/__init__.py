"""The pages that people use, and the live status as server-sent events."""
