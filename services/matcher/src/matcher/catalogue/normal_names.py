"""A name without its spelling: case, accents, spaces, punctuation, and the legal form of a firm."""

# Invariant: two texts have one normal name only if they are the same words in the same order. Nothing is
# transliterated or shortened, numbers stay as they are written, and a legal form goes only where it cannot be
# another word: at the end, and of those that are short words as well only the dotted spelling:
#
#   "Müller & Söhne G.m.b.H." → muller and sohne · gmbh     "muller and sohne" → muller and sohne
#   "Bella S.p.A." → bella · spa                            "Bella Spa" → bella spa
#   "Contoso One" → contoso one                             "Contoso 1" → contoso 1
#
# Two different legal forms are two firms, so the form is told beside the name.

import re
from dataclasses import dataclass
from functools import lru_cache

from matcher.catalogue.words import plain_text

_APOSTROPHES = re.compile("['`\N{RIGHT SINGLE QUOTATION MARK}\N{MODIFIER LETTER APOSTROPHE}]")
_AND = re.compile(r"\s*[&+]\s*")
_WORD = re.compile(r"[^\W_]+")

_ONE_WORD = {
    **dict.fromkeys(("ltd", "limited"), "ltd"),
    **dict.fromkeys(("inc", "incorporated"), "inc"),
    **dict.fromkeys(("corp", "corporation"), "corp"),
    **{form: form for form in ("llc", "llp", "lllp", "plc", "pllc", "ulc", "pty", "pte", "pvt")},
    **{form: form for form in ("gmbh", "mbh", "kgaa", "ohg", "gbr", "bv", "bvba", "cvba", "vof", "cic")},
    **{form: form for form in ("sarl", "sasu", "eurl", "srl", "srls", "ltda", "eireli", "sro", "kft", "zrt")},
    **{form: form for form in ("nyrt", "doo", "eood", "oyj", "aps", "ehf", "bhd", "jsc", "ojsc", "pjsc")},
    **{form: form for form in ("cjsc", "tbk", "wll", "fzco", "fze", "aktiengesellschaft", "aktiebolag")},
    **{form: form for form in ("osakeyhtio", "aktieselskab", "limitada", "limitee", "ltee")},
}
"""Words that are nothing but a legal form, and the form."""
_PHRASES = {
    ("public", "limited", "company"): "plc",
    ("limited", "liability", "company"): "llc",
    ("limited", "liability", "partnership"): "llp",
    ("private", "limited"): "pvt ltd",
    ("proprietary", "limited"): "pty ltd",
    ("company", "limited"): "co ltd",
    ("co", "ltd"): "co ltd",
    ("co", "inc"): "co inc",
    ("gmbh", "co", "kg"): "gmbh co kg",
    ("gmbh", "and", "co", "kg"): "gmbh co kg",
    ("gmbh", "und", "co", "kg"): "gmbh co kg",
    ("sdn", "bhd"): "sdn bhd",
    ("sp", "zoo"): "sp zoo",
    ("spolka", "z", "oo"): "sp zoo",
    ("ug", "haftungsbeschrankt"): "ug",
    ("societe", "anonyme"): "sa",
    ("sociedad", "anonima"): "sa",
    ("sociedad", "limitada"): "sl",
    ("besloten", "vennootschap"): "bv",
    ("naamloze", "vennootschap"): "nv",
    ("kabushiki", "kaisha"): "kk",
}
_DOTTED = frozenset(("sa", "spa", "sl", "as", "ab", "ag", "kk", "nv", "se", "pc", "pa", "lp", "co", "oy"))
"""Forms that are words as well: only letter by letter they are forms."""
_LONGEST_PHRASE = max(len(phrase) for phrase in _PHRASES)


@dataclass(frozen=True, slots=True)
class NormalName:
    """A name in the one spelling of all that differ in nothing that counts."""

    words: str
    """Apart by one space; empty when the text says nothing."""
    legal_form: str = ""


@lru_cache(maxsize=10_000)
def firm_name(text: str) -> NormalName:
    """Returns the normal name of a firm; one of nothing but a legal form keeps it as its name."""
    words, dotted = _words_of(text)
    kept, forms = len(words), list[str]()
    while length := _form_length(words[:kept], dotted):
        if length == kept:
            break
        forms.insert(0, _form_of(words[kept - length : kept]))
        kept -= length
    return NormalName(" ".join(words[:kept]), " ".join(forms))


def thing_name(text: str) -> str:
    """Returns the normal name of what has no legal form."""
    return " ".join(_words_of(text)[0])


def _words_of(text: str) -> tuple[list[str], frozenset[str]]:
    """Returns the words, runs of single letters as one, and which of them are such runs."""
    plain = _AND.sub(" and ", _APOSTROPHES.sub("", plain_text(text)))
    words, dotted, run = list[str](), set[str](), ""
    for word in [*_WORD.findall(plain), ""]:
        if len(word) == 1 and word.isalpha():
            run += word
            continue
        if run:
            words.append(run)
            if len(run) > 1:
                dotted.add(run)
            run = ""
        if word:
            words.append(word)
    return words, frozenset(dotted)


def _form_length(words: list[str], dotted: frozenset[str]) -> int:
    """Returns of how many words the legal form at the end is; 0 without one."""
    for length in range(min(_LONGEST_PHRASE, len(words)), 1, -1):
        if tuple(words[-length:]) in _PHRASES:
            return length
    return int(bool(words) and (words[-1] in _ONE_WORD or (words[-1] in _DOTTED and words[-1] in dotted)))


def _form_of(words: list[str]) -> str:
    return _PHRASES.get(tuple(words)) or _ONE_WORD.get(words[0], words[0])
