"""Says in words why a PSA product is proposed for a vendor service."""

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
from matcher.proposals.service_features import ServicePair, service_features

_LEFT_OVER = ("other_both", "other_vendor", "other_psa", "edition_both", "edition_vendor", "edition_psa")
_CODES = ("code_equal", "code_contained", "base_equal")


def service_reasons(pair: ServicePair, rarity: Rarity) -> list[Reason]:
    """Returns what weighed most, for and against; `rarity` as the proposal was made with."""
    return reasons_of(pair, service_features(pair, rarity), load_model("services").pair, _WORDING)


_WORDING = Wording[ServicePair](
    sentences={
        "words_equal": lambda _: "the names are equal but for spelling",
        **dict.fromkeys(("rarest_shared", "covered_vendor"), lambda pair: say_shared(pair.words)),
        **dict.fromkeys(_LEFT_OVER, lambda pair: say_left_over(pair.words)),
        **dict.fromkeys(_CODES, lambda _: "the Product ID holds the part number"),
        "misspelt": lambda pair: say_unlike(pair.words),
        "by_initials": lambda _: "one name has the initials of the other",
        "part_number_differs": lambda _: "the PSA names another part number",
        "vendor_differs": lambda _: "another vendor is named",
        "term_equal": lambda pair: f"same term {pair.vendor.term}",
        "term_differs": lambda pair: f"term {pair.vendor.term} beside {pair.psa.term}",
        "billing_equal": lambda pair: f"both billed every {pair.vendor.billing}",
        "billing_differs": lambda pair: f"billed every {pair.vendor.billing} beside {pair.psa.billing}",
    },
    always=(*_LEFT_OVER, "misspelt"),
    against=(*_LEFT_OVER, "part_number_differs", "vendor_differs", "term_differs", "billing_differs"),
)
