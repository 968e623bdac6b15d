"""Reads the words and numbers by which a company or a product is recognised."""

# Invariant: what comes out is of the kind that was asked for, in one form, and can be shown; what may be
# something about a person (an address, a telephone number, a social security number) does not come out.
#
#   town        " London "   "robin@contoso.com"   "+1 512 555 0100"   "London"   None   None
#   postcode    "sw1a  1aa"  78701                 "n/a"               "SW1A 1AA"   "78701"   None
#   tax id      "GB 123 4567 89"   "12-3456789"    "00-0000000"        "GB123456789"   "123456789"   None

import re
from typing import Any, Final

from shared.contracts.evidence_fields import plain_evidence
from shared.limits import record_hit
from shared.limits.messages import DESCRIPTION_CHARACTERS, EVIDENCE_CHARACTERS
from shared.plain_text import is_plain

_LONGEST_READ: Final = 20_000
"""No provider's field holds more; looking for spaces in a text of megabytes takes time."""
_MOST_BITS: Final = 200
"""Of a whole number that is meant as a text: any more has more digits than whatever is numbered."""
_INTERNATIONAL_PHONE: Final = re.compile(r"\+\d[\d ()./-]{6,}", re.ASCII)
_PHONE: Final = re.compile(r"\+\d[\d ()./-]{6,}|\(\d{2,5}\) ?\d{3}|\d{6,}|\d[\d ./-]{8,}\d", re.ASCII)
_POSTCODE: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9 -]{0,10}[A-Z0-9])?", re.ASCII).fullmatch
_MOST_POSTCODE_DIGITS: Final = 9
"""A ZIP code with its extension; a telephone number has ten."""
_OF_A_PERSON: Final = re.compile(r"[@+()]")
"""No tax number is written with these; addresses and telephone numbers are."""
_NO_LETTER_OR_DIGIT: Final = re.compile(r"[^A-Z0-9]", re.ASCII)
_TAX_ID: Final = re.compile(r"[A-Z0-9]{5,30}", re.ASCII).fullmatch
_LEAST_TAX_DIGITS: Final = 4
_SOCIAL_SECURITY: Final = re.compile(r"\d{3}-\d{2}-\d{4}", re.ASCII).fullmatch
"""How the number of a person in the United States is written; a company's is 12-3456789."""


def text_of(value: Any) -> str | None:
    """Returns a word or a name in one line; None for what is none, is too long, or may be an address."""
    text = _line(value)
    if text is not None and len(text) > EVIDENCE_CHARACTERS.most:
        record_hit(EVIDENCE_CHARACTERS)
        return None
    return plain_evidence(text)


def town_of(value: Any) -> str | None:
    """Returns the name of a town; people also type telephone numbers into its field."""
    text = text_of(value)
    return text if text and not _PHONE.search(text) and not text.isdecimal() else None


def postcode_of(value: Any) -> str | None:
    """Returns a postcode in capitals; each has a digit."""
    text = (_line(value) or "").upper()
    digits = sum(character.isdecimal() for character in text[:_LONGEST_READ])
    return text if _POSTCODE(text) and 0 < digits <= _MOST_POSTCODE_DIGITS else None


def tax_id_of(value: Any) -> str | None:
    """Returns a company's tax number without what people put between its letters and digits.

    A placeholder, which has hardly a digit or only one kind of them, is none; nor is what has more letters
    than digits, as words have, and the tax numbers that are made of a person's name and birthday.
    """
    text = (_line(value) or "").upper()
    if len(text) > EVIDENCE_CHARACTERS.most or _SOCIAL_SECURITY(text) or _OF_A_PERSON.search(text):
        return None
    number = _NO_LETTER_OR_DIGIT.sub("", text)
    digits = [character for character in number if character.isdecimal()]
    is_number = len(digits) >= max(_LEAST_TAX_DIGITS, len(number) / 2) and len({*digits}) > 1
    return number if is_number and _TAX_ID(number) else None


def description_of(value: Any) -> str | None:
    """Returns the beginning of a description; None for one that holds an address or a telephone number."""
    text = _line(value)
    if text is None or "@" in text or _INTERNATIONAL_PHONE.search(text):
        return None
    if len(text) > DESCRIPTION_CHARACTERS.most:
        record_hit(DESCRIPTION_CHARACTERS)
        text = text[: DESCRIPTION_CHARACTERS.most - 1] + "…"
    return text


def _line(value: Any) -> str | None:
    """Returns a text, or a whole number that is meant as one, in one line with single spaces."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return None
    text = " ".join(str(value)[:_LONGEST_READ].split())
    return text if text and is_plain(text) else None
