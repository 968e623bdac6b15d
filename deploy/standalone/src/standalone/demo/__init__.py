"""The demo: plays the whole story on fresh data, prints it in a few lines, and exits by the PSA's verdict."""
