"""What vendor-sync knows of a marketplace, and the rules on it; pure."""
