"""Connections of a tenant to its providers."""
