"""Mappings as data: reviewed sets of decisions from files, versions and a change of PSA, applied as one."""
