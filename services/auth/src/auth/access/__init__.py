"""Short-lived access for the sync services."""
