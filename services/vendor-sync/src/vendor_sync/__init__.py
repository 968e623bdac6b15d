"""Reads a marketplace and publishes what differs from what was last seen."""
