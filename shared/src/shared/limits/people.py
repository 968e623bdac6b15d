"""Limits on what people type."""

from shared.limits import messages
from shared.limits.limit import Limit

_REFUSED = "the request is refused with 422, which names the field"

TENANT_ID_CHARACTERS = Limit(
    "tenant-id-characters",
    messages.ID_CHARACTERS.most,
    "characters",
    "the id of a tenant",
    "the sign-in is answered 422, a setting is refused, no collection is opened for it",
)
EMAIL_CHARACTERS = Limit(
    "email-characters",
    300,
    "characters",
    "the e-mail address of an account",
    "the sign-in is answered 422, a setting is refused",
)
PASSWORD_CHARACTERS = Limit(
    "password-characters",
    300,
    "characters",
    "the password of an account",
    "the sign-in is answered 422, a setting is refused",
)
KEY_CHARACTERS = Limit("idempotency-key-characters", 200, "characters", "an `Idempotency-Key`", _REFUSED)
SEARCH_CHARACTERS = Limit("search-characters", 200, "characters", "what a list is searched for", _REFUSED)
REASON_CHARACTERS = Limit("reason-characters", 500, "characters", "the reason of an exclusion", _REFUSED)
CURSOR_CHARACTERS = Limit(
    "cursor-characters", 5_000, "characters", "the cursor of a page", "it is refused as one never given out"
)
"""Two sort texts with all quotes escaped, or four ids of the longest, come to 4,800."""
PAGE_ROWS = Limit("page-rows", 500, "rows", "how many rows are asked for at once", _REFUSED)
DECISIONS = Limit("decisions", 20_000, "decisions", "the decisions of one request", _REFUSED)
MAPPING_DECISIONS = Limit(
    "mapping-decisions", 500, "decisions", "the decisions on mappings of one request", _REFUSED
)
IMPORT_ROWS = Limit(
    "import-rows", 200_000, "rows", "the rows of a file of mappings", "the file is refused with 422, whole"
)
IMPORT_ROW_CHARACTERS = Limit(
    "import-row-characters",
    131_072,
    "characters",
    "one row of a file of mappings",
    "the file is refused with 422, whole",
)
PLAN_EXCEPTIONS = Limit(
    "plan-exceptions", 5_000, "rows", "the rows that are left out when a plan is applied", _REFUSED
)
ACCEPTED_PROPOSALS = Limit(
    "accepted-proposals",
    5_000,
    "proposals",
    "the proposals that one request accepts by a filter",
    "the number that is expected is refused with 422: narrow the filter",
)
SPLIT_PARTS = Limit("split-parts", 10, "parts", "the split of one vendor service's quantity", _REFUSED)
ACCOUNT_OVERRIDES = Limit(
    "account-overrides",
    200,
    "overrides",
    "the accounts for which one vendor service is billed as another product",
    _REFUSED,
)
CONNECTION_CHARACTERS = Limit(
    "connection-characters", 300, "characters", "a field of a provider's connection", _REFUSED
)
INTEGRATION_NAME_CHARACTERS = Limit(
    "integration-name-characters", 100, "characters", "the name given to an integration", _REFUSED
)
QUANTITY_CHARACTERS = Limit(
    "quantity-characters",
    19,
    "characters",
    "a quantity that is typed: 12 digits before the point and 6 behind it",
    _REFUSED,
)
FIELD_ERRORS = Limit(
    "field-errors",
    50,
    "fields",
    "how many wrong fields a refusal names",
    "the others are counted in `detail`",
)
FIELD_NAME_CHARACTERS = Limit(
    "field-name-characters", 200, "characters", "the name of a wrong field", "the name is cut in the refusal"
)
