"""What auth does: connect providers, grant access to them, sign people in."""
