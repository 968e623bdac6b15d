"""Decisions of people, from the request to the proven write."""
