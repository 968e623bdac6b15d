"""Billing's use cases, and the interfaces of what they need."""
