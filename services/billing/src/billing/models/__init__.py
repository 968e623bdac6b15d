"""What billing knows and the rules on it; pure."""
