"""What psa-sync does: it reads a PSA whole, and writes approved quantities with proof."""
