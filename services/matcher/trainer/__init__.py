"""Makes labelled lists and fits the weights that the matcher ships; `python -m trainer` runs it."""
