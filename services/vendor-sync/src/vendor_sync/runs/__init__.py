"""The run of a marketplace, step by step."""
