"""The bounded types that the fields of messages have: what is too large for them is refused or shortened.

The sizes are in `shared.limits`. With them a message without lists stays far below the 1 MB that Kafka takes;
one with lists is bounded as a whole (`shared.contracts.base.bounded`).
"""

# Invariant: a message that can be made can be sent. What identifies something, or is compared, is refused
# when it is too long, for a shortened id would name another thing. What only people read is shortened, where
# they see it; a name also carries a digest of the whole, because equal names map themselves:
#
#   Id        3,000,000 characters   refused
#   Name      501 characters         its first 486 and "… (a2b1c4d7e9)"
#   Name      "Contoso\x1b"          "Contoso\ufffd" (`shared.plain_text`)
#   Sentence  2,001 characters       its first 1,999 and "…"
#   Number    1E+520000              refused: written out it would have 520,001 digits

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer

from shared.limits import Limit, record_hit
from shared.limits import messages as limits
from shared.plain_text import cleaned, counted, is_plain

_DIGEST_CHARACTERS: Final = 10
_SURELY_SHORT_DIGITS: Final = min(
    limit.most
    for limit in (
        limits.SIGNIFICANT_DIGITS,
        limits.NUMBER_DIGITS,
        limits.NUMBER_DECIMALS,
        limits.READ_NUMBER_DIGITS,
        limits.READ_NUMBER_DECIMALS,
    )
)
_CLOCKS_DIFFER: Final = timedelta(seconds=limits.FUTURE_SECONDS.most)
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 9000
_T = TypeVar("_T")


def checked_id(text: str) -> str:
    """Returns an id as it is; raises `ValueError` when it is empty or too long."""
    if not text:
        raise ValueError("an id is empty")
    # Nearly every id ends the check here: messages have many.
    if len(text) <= limits.ID_CHARACTERS.most and text.isprintable():
        return text
    return _checked_text(text, limits.ID_CHARACTERS)


def checked_code(text: str) -> str:
    """Returns a code, which may be empty, as it is.

    Raises `ValueError` when it is too long, or holds characters that cannot be shown (`shared.plain_text`).
    """
    return _checked_text(text, limits.ID_CHARACTERS)


def checked_currency(text: str) -> str:
    """Returns a currency, which a provider may name in words, as it is.

    Raises `ValueError` when it is too long: each line of a subscription has one, and a thousand of them must
    fit into one message.
    """
    return _checked_text(text, limits.CURRENCY_CHARACTERS)


def shortened_name(text: str) -> str:
    """Returns a name of at most `limits.NAME_CHARACTERS`; names that differed still differ."""
    limit, text = limits.NAME_CHARACTERS, cleaned(text)
    if len(text) <= limit.most:
        return text
    record_hit(limit)
    digest = sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    suffix = f"… ({digest})"
    return text[: limit.most - len(suffix)] + suffix


def shortened_sentence(text: str, limit: Limit = limits.SENTENCE_CHARACTERS) -> str:
    """Returns a sentence of at most so many characters."""
    text = cleaned(text)
    if len(text) <= limit.most:
        return text
    record_hit(limit)
    return text[: limit.most - 1] + "…"


def checked_integer(number: int) -> int:
    """Returns the number as it is; raises `ValueError` when no store can hold it."""
    if number.bit_length() > limits.INTEGER_BITS.most:
        record_hit(limits.INTEGER_BITS)
        raise ValueError(
            f"a whole number has {number.bit_length():,} bits; the most is {limits.INTEGER_BITS}"
        )
    return number


def checked_number(number: Decimal, digits: Limit, decimals: Limit) -> Decimal:
    """Returns the number as it is; raises `ValueError` when it is not finite, or has too many digits.

    Decimals are added up with 28 significant digits, so a number of more would change by being added to zero.
    """
    if not number.is_finite():
        raise ValueError(f"{number} is no number")
    # `str` writes a large exponent as one, so this is short; nearly every number ends the check here.
    text = str(number)
    if len(text) <= _SURELY_SHORT_DIGITS and "E" not in text:
        return number
    parts = number.as_tuple()
    counts = (
        (limits.SIGNIFICANT_DIGITS, len(parts.digits)),
        (digits, number.adjusted() + 1 if number else 0),
        (decimals, -int(parts.exponent)),
    )
    for limit, count in counts:
        if count > limit.most:
            record_hit(limit)
            raise ValueError(f"a number has {count:,} {limit.unit}; the most is {limit.most}")
    return number


def checked_read_number(number: Decimal) -> Decimal:
    """Returns a number that a provider answered as it is; raises `ValueError` when it cannot be billed."""
    return checked_number(number, limits.READ_NUMBER_DIGITS, limits.READ_NUMBER_DECIMALS)


def plain(number: Decimal) -> str:
    """Returns one text for one number, whatever digits it was read with: `10`, not `10.0` or `1E+1`."""
    return format(number.normalize() + 0, "f")


def _checked_service_key(text: str) -> str:
    if not text:
        raise ValueError("the key of a service is empty")
    return _checked_text(text, limits.SERVICE_KEY_CHARACTERS)


def _checked_text(text: str, limit: Limit) -> str:
    if not is_plain(text):
        raise ValueError(f"{text[:40]!a} has characters that cannot be shown")
    if len(text) > limit.most:
        record_hit(limit)
        raise ValueError(f"{text[:40]!r}… has {len(text):,} characters; the most is {limit}")
    return text


class _ReachedTime:
    """Knows a time that was reached, and looks at the clock only for what is later than that.

    Each message has such fields; the look, or the comparison of two moments, takes longer than all the rest.
    """

    def __init__(self) -> None:
        self._minute = self._revision = 0

    def is_ahead(self, moment: datetime) -> bool:
        # The time on a wall anywhere is less than a day from UTC, and clocks may differ by a day.
        minute = _minute_of(moment)
        if minute >= self._minute:
            self._minute = _minute_of(datetime.now(UTC))
        return minute >= self._minute and moment > datetime.now(UTC) + _CLOCKS_DIFFER

    def is_revision_ahead(self, revision: int) -> bool:
        if revision > self._revision:
            self._revision = time.time_ns() // 1000 + _CLOCKS_DIFFER // timedelta(microseconds=1)
        return revision > self._revision


def _minute_of(moment: datetime) -> int:
    """Returns the minute on the wall, counted from year 1."""
    return (moment.toordinal() * 24 + moment.hour) * 60 + moment.minute


_REACHED = _ReachedTime()


def _assert_past(moment: datetime) -> datetime:
    if moment.year < _FIRST_YEAR:
        raise ValueError(f"the year {moment.year} lies before anything that we tell of")
    if _REACHED.is_ahead(moment):
        record_hit(limits.FUTURE_SECONDS)
        raise ValueError(f"{moment.isoformat()} lies in the future")
    return moment


def _assert_reckonable(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"the year {moment.year} is too far away")
    return moment


def _assert_reached(revision: int) -> int:
    """A larger revision would outrank every later one, for ever."""
    if _REACHED.is_revision_ahead(revision):
        record_hit(limits.FUTURE_SECONDS)
        raise ValueError(f"revision {str(revision)[:40]} is larger than any that can have been taken")
    return checked_integer(revision)


def _checked_sum(number: Decimal) -> Decimal:
    return checked_number(number, limits.NUMBER_DIGITS, limits.NUMBER_DECIMALS)


_Exact = Annotated[Decimal, PlainSerializer(plain, return_type=str, when_used="json")]

Number = Annotated[_Exact, AfterValidator(_checked_sum)]
"""An exact decimal; travels as a JSON string without exponent or trailing zeros."""
Integer = Annotated[int, AfterValidator(checked_integer)]
"""A count, or a number that grows by one."""
Moment = Annotated[AwareDatetime, AfterValidator(_assert_past)]
"""When something happened, by a clock that may be ahead by no more than a day; not in the year 1, from which
neither a store nor a time zone can count back."""
Deadline = Annotated[AwareDatetime, AfterValidator(_assert_reckonable)]
"""Until when something counts; near enough that days can be added to it, and taken away."""
Revision = Annotated[int, AfterValidator(_assert_reached)]
"""Grows with every change of a thing, and is at most about microseconds since the epoch."""
ReadNumber = Annotated[_Exact, AfterValidator(checked_read_number)]
"""What a provider answered: below a million millions, so that sums of products are still a `Number`."""
Id = Annotated[str, AfterValidator(checked_id)]
"""What identifies a thing; never empty."""
Code = Annotated[str, AfterValidator(checked_code)]
"""What is compared but identifies nothing by itself: a part number, a currency, a status."""
ServiceKey = Annotated[str, AfterValidator(_checked_service_key)]
"""The four parts of a vendor service's key, percent-encoded."""
# Before pydantic's own check, which refuses a text with half a surrogate pair instead of mending it.
Name = Annotated[str, BeforeValidator(lambda text: shortened_name(text) if isinstance(text, str) else text)]
"""What people call a thing."""
Sentence = Annotated[
    str, BeforeValidator(lambda text: shortened_sentence(text) if isinstance(text, str) else text)
]
"""What happened or why, for people."""
Remark = Annotated[
    str,
    BeforeValidator(
        lambda text: shortened_sentence(text, limits.REMARK_CHARACTERS) if isinstance(text, str) else text
    ),
]
"""A sentence that a message may hold many of."""
Listed = Annotated[_T, Field(max_length=limits.LIST_ITEMS.most), counted(limits.LIST_ITEMS)]
"""A list or table inside a message, as `Listed[tuple[Id, ...]]`."""
