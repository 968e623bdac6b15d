"""Reads a company's name: its words in one spelling, its legal form, its numbers, its other names."""

# Invariant: two spellings of one name have the same words. Text is transliterated to Latin letters, case,
# accents and punctuation go, legal forms are set apart, and each word is reduced to a stem: short forms to
# long ones, number words to figures, plurals to singulars.
#
#   "The Müller Bros. Mfg. Co., GmbH & Co. KG" → stems muller brother manufacturing · legal form gmbh co kg
#   "C1041 - Contoso (Leeds) t/a Fabrikam"     → stems c1041 contoso leed · noted leed · alias fabrikam

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii
from cleanco.termdata import terms_by_country, terms_by_type

from matcher.proposals.stems import stem
from matcher.proposals.words import ALIAS_MARKS, LEGAL_FORMS

NAME_CHARACTERS = 300
"""How much of a name is read: longer ones are not names, and cost time."""
_SIGNS = ("So", "Sk", "Cf")
"""Unicode's categories of pictures and of marks without a shape, which are in no name."""
_WORD = re.compile(r"[a-z0-9]+")
_INITIALS = re.compile(r"(?<![a-z0-9])(?:[a-z] ){1,5}[a-z](?![a-z0-9])")
_NOTE = re.compile(r"[(\[{<]([^)\]}>]*)[)\]}>]")
_CJK_FORMS = re.compile(
    "株式会社|有限会社|合同会社|股份有限公司|有限责任公司|有限公司|公司|주식회사|유한회사|㈱|㈲"
)
"""Legal forms that are written without a space; what is transliterated can no longer be cut."""
_DOMAIN = re.compile(r"(?:https?://)?(?:www\.)?([a-z0-9-]{2,})(?:\.[a-z]{2,3})?\.[a-z]{2,}/?", re.IGNORECASE)
"""A web address for a name: the label before the top level says the name."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z]{2})(?=[A-Z]{2})")


@dataclass(frozen=True, slots=True)
class ParsedName:
    """One name of a company, read."""

    stems: tuple[str, ...]
    """The words without legal forms, in their order, each reduced to its stem."""
    words: tuple[str, ...]
    """The same words as written, folded: what is shown to people."""
    legal: str
    """The legal forms, joined; empty when the name has none."""
    sorted_stems: str
    """The stems in the order of the alphabet, as one text."""
    compact: str
    """All letters and figures without legal forms, unreduced."""
    aliases: tuple[str, ...] = ()
    """Other names of the same firm that the text gives ("trading as"), folded."""


def fold(text: str) -> str:
    """Returns the text in small Latin letters and figures, words apart by one space."""
    spaced = text[:NAME_CHARACTERS].strip()
    if not spaced.isascii():
        spaced = _CJK_FORMS.sub(" ", unicodedata.normalize("NFKC", spaced))
        spaced = "".join(sign for sign in spaced if unicodedata.category(sign) not in _SIGNS)
    if _DOMAIN.fullmatch(spaced):
        spaced = _DOMAIN.sub(r"\1", spaced)
    if " " not in spaced:
        spaced = _CAMEL.sub(
            " ", spaced
        )  # only where nothing else separates words: "McDonald's Bar" has one word less
    plain = (
        anyascii(spaced)
        .casefold()
        .replace("'", "")
        .replace("`", "")
        .replace("&", " and ")
        .replace("+", " and ")
    )
    words = " ".join(_WORD.findall(plain))
    return _INITIALS.sub(lambda run: run.group().replace(" ", ""), words)


def _forms() -> frozenset[tuple[str, ...]]:
    listed = [term for terms in (*terms_by_type.values(), *terms_by_country.values()) for term in terms]
    folded = (fold(term) for term in (*listed, *LEGAL_FORMS))
    return frozenset(tuple(text.split()) for text in folded if text)


_LEGAL_FORMS = _forms()
_LONGEST_FORM = max(len(form) for form in _LEGAL_FORMS)
_LEADING_FORMS = frozenset(
    tuple(form.split())
    for form in (
        *("pt", "ooo", "oao", "zao", "pao", "ao", "tov", "ip", "sarl", "sas", "kk", "gk", "srl", "spa"),
        *("kabushiki kaisha", "zhushihuishe", "societe anonyme"),
    )
)
"""Legal forms that stand before the name; elsewhere in the list they are too short to be told from words."""
_INNER_FORMS = frozenset(
    (form,)
    for form in (
        *("llc", "ltd", "inc", "gmbh", "plc", "limited", "pllc", "bv", "sarl", "incorporated", "corp"),
        *("corporation", "srl", "kft", "sro", "pty", "llp", "lllp"),
    )
)
"""Legal forms that are nothing else wherever they stand, as before a town or a note."""


@lru_cache(maxsize=300_000)
def parse(text: str) -> ParsedName:
    """Reads a name; a text without letters or figures has no words."""
    name, *aliases = _split_aliases(fold(text))
    words, legal = _set_legal_form_apart(name.split())
    stems = tuple(stem(word) for word in words)
    return ParsedName(
        stems=stems,
        sorted_stems=" ".join(sorted(stems)),
        words=tuple(words),
        legal=" ".join(sorted(set(legal))),
        compact="".join(words),
        aliases=tuple(aliases),
    )


def _split_aliases(folded: str) -> list[str]:
    padded = f" {folded} "
    for mark in ALIAS_MARKS:
        if mark in padded:
            first, _, second = padded.partition(mark)
            if first.strip() and second.strip():
                return [first.strip(), *_split_aliases(second.strip())]
    return [folded]


def _set_legal_form_apart(words: list[str]) -> tuple[list[str], list[str]]:
    kept, legal, at = list[str](), list[str](), 0
    while at < len(words):
        form = _form_at(words, at)
        if form:
            legal.extend(form)
        else:
            kept.append(words[at])
        at += len(form) or 1
    return (kept, legal) if kept else (words, [])


def _form_at(words: list[str], at: int) -> tuple[str, ...]:
    """Returns the longest legal form from here: one that ends the name, leads it, or is never a word."""
    for length in range(min(_LONGEST_FORM, len(words) - at), 0, -1):
        form = tuple(words[at : at + length])
        if form in _INNER_FORMS or (at == 0 and form in _LEADING_FORMS):
            return form
        if form in _LEGAL_FORMS and _ends_in_forms(words, at + length):
            return form if at else ()
    return ()


def _ends_in_forms(words: list[str], at: int) -> bool:
    if at == len(words):
        return True
    lengths = range(min(_LONGEST_FORM, len(words) - at), 0, -1)
    return any(tuple(words[at : at + n]) in _LEGAL_FORMS and _ends_in_forms(words, at + n) for n in lengths)
