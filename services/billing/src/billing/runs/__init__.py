"""Runs from run-finished to their completion, and the requests that start them."""
