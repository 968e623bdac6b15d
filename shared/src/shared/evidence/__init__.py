"""Reads from providers' values what helps to recognise a company or a product; nothing else of them is kept.

Every function takes whatever JSON holds and raises nothing: what cannot be read as evidence is left out. The
forms are those of `shared.contracts.evidence_fields`. Imported by connectors and by whoever reads lists of
people's own; needs the extra `evidence`.
"""
