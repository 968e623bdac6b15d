"""psa-sync: reads a PSA whole, publishes what differs, and writes approved quantities back with proof."""
