"""Observations, mapping decisions and integrations, as billing stores them."""
