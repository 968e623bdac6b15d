"""How the name of a cloud product is read."""

import pytest

from matcher.proposals.periods import read_period
from matcher.proposals.products import read_product


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Microsoft 365 Business Premium", "M365 BP"),
        ("M365-BP", "M365 Bus Prem"),
        ("Office 365 Business Premium", "Microsoft 365 Business Standard"),
        ("Exchange Online (Plan 1)", "Exch Onl P1"),
        ("Enterprise Mobility + Security E3", "EMS E3"),
        ("Azure AD Premium P1", "Microsoft Entra ID P1"),
        ("AAD P2", "Entra ID Plan 2"),
        ("Microsoft Defender for Office 365 (Plan 1)", "MDO P1"),
        ("Windows 365 Business 2 vCPU, 4 GB, 128 GB", "W365 Biz 2/4/128"),
        ("Google Workspace Business Plus", "G Suite Biz Plus"),
        ("Microsoft 365 E3 (no Teams)", "M365 E3 w/o Teams"),
    ],
)
def test_two_ways_to_write_one_product_have_the_same_words(one: str, other: str) -> None:
    said = ({*read_product(text).words} - {"microsoft"} for text in (one, other))
    assert next(said) == next(said)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Microsoft 365 E3", "Office 365 E3"),
        ("Entra ID P1", "Entra ID P2"),
        ("Microsoft 365 Business Standard", "Microsoft 365 Business Premium"),
        ("Microsoft 365 E3", "Microsoft 365 E3 (no Teams)"),
        ("Windows 365 Business 2/4/128", "Windows 365 Business 2/8/128"),
    ],
)
def test_other_editions_have_other_words(one: str, other: str) -> None:
    assert read_product(one).words != read_product(other).words


@pytest.mark.parametrize(
    ("text", "term", "billing"),
    [
        ("M365-BP-1Y-M", "1 year", "1 month"),
        ("M365 BP 1yr/mo", "1 year", "1 month"),
        ("M365_BP_ANN_MTH", "1 year", "1 month"),
        ("Business Premium P1Y/P1M", "1 year", "1 month"),
        ("Business Premium (annual, paid monthly)", "1 year", "1 month"),
        ("Business Premium - Annual commitment, monthly billing", "1 year", "1 month"),
        ("Business Premium, 1 year, billed each month", "1 year", "1 month"),
        ("Business Premium 12 months billed annually", "1 year", "1 year"),
        ("Business Premium annual upfront", "1 year", "1 year"),
        ("Business Premium 36 months, billed monthly", "3 years", "1 month"),
        ("Business Premium month to month", "1 month", ""),
        ("Business Premium monthly", "1 month", ""),
        ("Business Premium", "", ""),
    ],
)
def test_term_and_billing_are_read_and_leave_no_words_behind(text: str, term: str, billing: str) -> None:
    read = read_product(text)
    assert (read.term, read.billing) == (term, billing)
    assert set(read.words) <= {"business", "premium", "m365"}


def test_a_part_number_is_found_whatever_separates_its_parts() -> None:
    for text in ("CFQ7TTC0LCHC:0002", "CFQ7TTC0LCHC-0002 P1Y", "NCE cfq7ttc0lchc_0002"):
        assert read_product(text).part_numbers == {"cfq7ttc0lchc0002"}


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P1Y", "1 year"),
        ("1 year", "1 year"),
        ("P1M", "1 month"),
        ("month", "1 month"),
        ("3 years", "3 years"),
        ("", ""),
    ],
)
def test_the_marketplaces_periods_are_read(text: str, period: str) -> None:
    assert read_period(text) == period
