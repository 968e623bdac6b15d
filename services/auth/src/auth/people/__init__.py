"""Tenants, the people of each, their passwords and tokens."""
