"""Says in words why a PSA account is proposed for a vendor account."""

from collections.abc import Callable

from matcher.proposals.account_features import AccountPair, account_features
from matcher.proposals.model import load_model
from matcher.proposals.rarity import Rarity
from matcher.proposals.reasons import (
    Reason,
    Wording,
    reasons_of,
    say_left_over,
    say_shared,
    say_unlike,
)

_LEFT_OVER = (
    *("other_both", "other_vendor", "other_psa", "branch_one", "branch_both"),
    *("kinship_one", "kinship_both", "number_one", "number_both"),
)


def account_reasons(pair: AccountPair, rarity: Rarity) -> list[Reason]:
    """Returns what weighed most, for and against; `rarity` as the proposal was made with."""
    return reasons_of(pair, account_features(pair, rarity), load_model("accounts").pair, _WORDING)


def _equal_names(pair: AccountPair) -> str:
    return "" if pair.words.by_initials else "the names are equal but for spelling and legal form"


def _same(what: str, field: str) -> Callable[[AccountPair], str]:
    return lambda pair: f"same {what} {getattr(pair.vendor.record, field)}"


def _other(what: str, field: str) -> Callable[[AccountPair], str]:
    return lambda pair: (
        f"{what} {getattr(pair.vendor.record, field)} beside {getattr(pair.psa.record, field)}"
    )


def _domains(pair: AccountPair) -> str:
    return f"same domain {', '.join(sorted(pair.vendor.domains & pair.psa.domains))}"


def _other_domains(pair: AccountPair) -> str:
    return f"domain {', '.join(sorted(pair.vendor.domains))} beside {', '.join(sorted(pair.psa.domains))}"


_WORDING = Wording[AccountPair](
    sentences={
        **dict.fromkeys(("equal_core", "equal_words", "nothing_left"), _equal_names),
        **dict.fromkeys(("rarest_shared", "covered_more"), lambda pair: say_shared(pair.written)),
        **dict.fromkeys(_LEFT_OVER, lambda pair: say_left_over(pair.written)),
        "misspelt": lambda pair: say_unlike(pair.written),
        "by_initials": lambda _: "one name is the initials of the other",
        "alias_equal": lambda pair: f"one is also called ‘{' '.join(pair.psa_name.words)}’",
        "domain_equal": _domains,
        "domain_differs": _other_domains,
        "domain_named": lambda _: "the domain of one is the name of the other",
        "tax_equal": _same("tax id", "tax_id"),
        "tax_differs": _other("tax id", "tax_id"),
        "code_equal": _same("code", "code"),
        "postcode_equal": _same("postcode", "postcode"),
        "postcode_differs": _other("postcode", "postcode"),
        "town_equal": _same("town", "town"),
        "town_differs": _other("town", "town"),
        "country_differs": _other("country", "country"),
        "form_differs": lambda pair: f"legal form ‘{pair.vendor_name.legal}’ beside ‘{pair.psa_name.legal}’",
        "place_named": lambda _: "one name says the town of the other",
    },
    always=(*_LEFT_OVER, "misspelt"),
    against=(
        *_LEFT_OVER,
        *(
            "domain_differs",
            "tax_differs",
            "postcode_differs",
            "town_differs",
            "country_differs",
            "form_differs",
        ),
    ),
)
