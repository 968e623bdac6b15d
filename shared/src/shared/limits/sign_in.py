"""Limits on signing in, and on tokens."""

from shared.limits import messages
from shared.limits.limit import Limit

SIGN_INS_PER_ACCOUNT = Limit(
    "sign-ins-per-account",
    30,
    "attempts",
    "failed sign-ins to one account from devices that are not known, besides one every 20 seconds",
    "the attempt is answered 429, whoever makes it; devices that are known sign in",
)
SIGN_INS_PER_ADDRESS = Limit(
    "sign-ins-per-address",
    60,
    "attempts",
    "failed sign-ins from one address (of IPv6, one /64) to any account, besides one every 5 seconds",
    "the attempt is answered 429; devices that are known sign in",
)
SIGN_INS_REMEMBERED = Limit(
    "sign-ins-remembered",
    10_000,
    "entries",
    "accounts, addresses and devices whose failed sign-ins are counted",
    "what matters least is forgotten",
)
SIGN_INS_AT_ONCE_PER_ACCOUNT = Limit(
    "sign-ins-at-once-per-account",
    3,
    "sign-ins",
    "sign-ins to one account at once, those from devices that are known counted apart",
    "the attempt is answered 429 before its password is looked at",
)
SIGN_INS_AT_ONCE_PER_ADDRESS = Limit(
    "sign-ins-at-once-per-address",
    5,
    "sign-ins",
    "sign-ins from one address at once (of IPv6, one /64), those from devices that are known left out",
    "the attempt is answered 429 before its password is looked at",
)
SIGN_INS_WAITING = Limit(
    "sign-ins-waiting",
    20,
    "sign-ins",
    "sign-ins that wait for a thread to check their password; five places are for known devices",
    "the attempt is answered 503 and the time after which to come back",
)
DEVICE_TOKEN_CHARACTERS = Limit(
    "device-token-characters",
    200,
    "characters",
    "the token by which a device is known",
    "the sign-in is answered 422",
)
TOKEN_CHARACTERS = Limit(
    "token-characters",
    4_096,
    "characters",
    "a person's token",
    "the token is refused with 401 before it is decoded",
)
CLAIM_CHARACTERS = Limit(
    "claim-characters",
    messages.ID_CHARACTERS.most,
    "characters",
    "the tenant, id, name or role that a token states",
    "the token is refused with 401",
)
