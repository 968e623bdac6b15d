"""Limits on what a message holds; used by `shared.contracts.fields` and the connectors' row parsers."""

from shared.limits.limit import Limit

ID_CHARACTERS = Limit(
    "id-characters",
    200,
    "characters",
    "an id or a code, of a provider's or of ours",
    "refused, with its row or message",
)
CURRENCY_CHARACTERS = Limit(
    "currency-characters", 50, "characters", "a currency that a provider names", "refused, with its row"
)
SERVICE_KEY_CHARACTERS = Limit(
    "service-key-characters", 4_000, "characters", "the key of a vendor service", "refused"
)
NAME_CHARACTERS = Limit(
    "name-characters",
    500,
    "characters",
    "a name or a title",
    "shortened: … and a digest of the whole at its end",
)
SORT_TEXT_BYTES = Limit(
    "sort-text-bytes",
    1_300,
    "bytes",
    "a name without regard to case, as lists are sorted by it",
    "sorted by its beginning, then by id",
)
SENTENCE_CHARACTERS = Limit(
    "sentence-characters", 2_000, "characters", "a reason or an explanation", "shortened, with … at its end"
)
REMARK_CHARACTERS = Limit(
    "remark-characters", 250, "characters", "a sentence in a list of many", "shortened, with … at its end"
)
EVIDENCE_CHARACTERS = Limit(
    "evidence-characters",
    200,
    "characters",
    "a town, a vendor or another word by which a thing is recognised",
    "left out; the thing itself stands",
)
DESCRIPTION_CHARACTERS = Limit(
    "description-characters",
    500,
    "characters",
    "the description of a product",
    "shortened, with … at its end",
)
EVIDENCE_ITEMS = Limit(
    "evidence-items",
    10,
    "items",
    "the domains or the types by which an account is recognised",
    "further ones are left out",
)
SIGNIFICANT_DIGITS = Limit(
    "significant-digits", 28, "significant digits", "a number; more could not be added up exactly", "refused"
)
READ_NUMBER_DIGITS = Limit(
    "read-number-digits", 12, "digits before the point", "a quantity or a price that was read", "refused"
)
READ_NUMBER_DECIMALS = Limit(
    "read-number-decimals", 24, "digits behind the point", "a quantity or a price that was read", "refused"
)
NUMBER_DIGITS = Limit(
    "number-digits", 40, "digits before the point", "any number in a message, sums included", "refused"
)
NUMBER_DECIMALS = Limit(
    "number-decimals", 60, "digits behind the point", "any number in a message, sums included", "refused"
)
INTEGER_BITS = Limit("integer-bits", 63, "bits", "a whole number in a message, besides its sign", "refused")
CURRENCIES = Limit(
    "currencies",
    500,
    "currencies",
    "the sums of a reconciliation",
    "further ones are counted, not summed",
)
SUBSCRIPTION_LINES = Limit(
    "subscription-lines",
    1_000,
    "lines",
    "the product entries of one subscription",
    "the subscription is refused",
)
FUTURE_SECONDS = Limit(
    "future-seconds", 24 * 3600, "seconds", "how far ahead a moment or a revision may be", "refused"
)
LIST_ITEMS = Limit("list-items", 2_000, "items", "any other list or table inside a message", "refused")
MANIFEST_ENTRIES = Limit(
    "manifest-entries",
    2_000,
    "entries",
    "one kind of entry in one part of an account's manifest",
    "refused; a larger account comes in more parts",
)
MESSAGE_BYTES = Limit(
    "message-bytes",
    1_000_000,
    "bytes",
    "a whole message, which Kafka must take with its key and headers",
    "refused",
)
