"""Fits the weights anew; the same words, seed and libraries give the same weights."""

from trainer.fit import main

main()
