"""Approved quantities, from the command to the proof."""
