"""The words of company names that mean the same, or that tell two firms of one name apart."""

from matcher.proposals.word_lists import load_lists, split_list, substitutes

_LISTS = load_lists("company_words.toml")

ABBREVIATIONS = substitutes(_LISTS["abbreviations"])
NUMBER_WORDS = substitutes(_LISTS["numbers"])
BRANCH_WORDS, KINSHIP_WORDS, DEPARTMENT_WORDS, NOISE_WORDS, COMMON_WORDS = (
    frozenset(_LISTS[name].split()) for name in ("branches", "kinship", "departments", "noise", "common")
)
ALIAS_MARKS = tuple(f" {mark} " for mark in _LISTS["aliases"].strip().splitlines())
LEGAL_FORMS = split_list(_LISTS["legal_forms"])
"""Those that the library `cleanco` lacks, or writes otherwise."""
