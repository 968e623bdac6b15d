"""People, integrations and sealed credentials; signs in and hands out short-lived access."""
