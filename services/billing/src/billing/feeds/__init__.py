"""The feed breaker: a run whose manifests change an unlikely share of the numbers waits for a person."""
