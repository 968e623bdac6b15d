"""Calls to providers and neighbours: one client, one retry rule, one set of errors."""
