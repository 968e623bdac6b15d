"""The run of a PSA, step by step."""
