"""Recalculates account groups: which of them, when, and on which replica."""
