"""The demo: the whole story on fresh data, told in a few lines and judged by the simulated PSA itself."""
