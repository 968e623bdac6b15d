"""Finishing over HTTP."""

from catalogue_builders import a_product, a_psa, a_psa_account, a_service, a_vendor_account, an_integration
from matcher_http import MatcherClient

ACCOUNTS = (an_integration(), a_psa(), a_vendor_account("1", "Contoso"), a_psa_account("9", "Contoso Ltd"))
SERVICES = (a_service("s1", "Mail"), a_product("p1", "Mail"))
ACCOUNT = "/mappings/account/int_vendor/1"
TO_9 = {"psa_integration_id": "int_psa", "psa_id": "9"}
BOTH = {"vendor_integration_id": "int_vendor", "psa_integration_id": "int_psa"}


async def test_finishing_answers_with_an_id_and_counts(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)
    await matcher.send("PUT", ACCOUNT, TO_9)

    first = await matcher.send("POST", "/finish", BOTH, key="k1")
    again = await matcher.send("POST", "/finish", BOTH, key="k1")

    assert first.status_code == 202
    assert first.json()["counts"]["accounts_mapped"] == 1
    assert again.json() == first.json()


async def test_finishing_too_early_says_what_is_missing(matcher: MatcherClient) -> None:
    await matcher.world.receive(*ACCOUNTS, *SERVICES)

    answer = await matcher.send("POST", "/finish", BOTH)

    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("no account of int_vendor is mapped to int_psa")
