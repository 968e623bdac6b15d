"""What matcher knows, and the rules on it; pure."""
