import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import httpx
import pytest
from auth_env import SERVICE_TOKENS, auth_over_http, person_headers, request_access
from http_fakes import Reply
from provider_fakes import CANARIES, FakeProviders, connectwise_body, ingram_body

from shared.mongo import Mongo
from shared.web.person import Role

VENDOR_TOKEN = "eyJhbGciOiJSUzI1NiJ9.canary-vendor-token.c2ln"
Failure = Callable[[str], Reply]
FAILURES: dict[str, Failure | None] = {
    "all is well": None,
    "the provider echoes all": lambda secrets: httpx.Response(400, json={"message": secrets}),
    "the provider fails and echoes all": lambda secrets: httpx.Response(500, text=secrets),
    "no JSON": lambda secrets: httpx.Response(200, text=f"<html>{secrets}"),
    "another shape": lambda secrets: httpx.Response(200, json={"token": VENDOR_TOKEN, "canaries": secrets}),
    "a redirect": lambda _: httpx.Response(302, headers={"Location": "https://canary-password@x.example/"}),
    "cut off": httpx.ReadError,
}
SECRETS_SENT_TO = {
    "/marketplace/na/token": " ".join(CANARIES[:2]),
    "/marketplace/na/customers": " ".join((*CANARIES[:2], VENDOR_TOKEN)),
    "/login/companyinfo/acme": " ".join(CANARIES[2:]),
    "/v2025_1/apis/3.0/company/companies": " ".join(CANARIES[2:]),
}


async def all_answers(auth: httpx.AsyncClient, providers: FakeProviders, fail: Failure | None) -> str:
    """All that is answered while people connect, list and disconnect, and services ask for access in vain."""
    admin, answers = person_headers(Role.ADMIN), []
    for body in (ingram_body(), connectwise_body(), ingram_body(password="")):
        connected = await auth.post("/integrations", json=body, headers=admin)
        providers.replies = {path: fail(secrets) for path, secrets in SECRETS_SENT_TO.items()} if fail else {}
        again = await auth.post("/integrations", json=body, headers=admin)
        listed = await auth.get("/integrations", headers=admin)
        answers += [connected, again, listed]
        for integration in listed.json()["integrations"]:
            for service in SERVICE_TOKENS:
                access = await request_access(auth, service, integration)
                answers += [access] if access.status_code != 200 else []
            answers.append(await auth.delete(f"/integrations/{integration['integration_id']}", headers=admin))
        providers.replies = {}
    return " ".join(f"{answer.status_code} {answer.headers} {answer.text}" for answer in answers)


@pytest.mark.parametrize("failure", FAILURES)
async def test_no_secret_is_answered_logged_or_left_lying_about(mongo: Mongo, failure: str) -> None:
    providers, written = FakeProviders(), io.StringIO()

    with redirect_stdout(written), redirect_stderr(written):
        async with auth_over_http(mongo, providers.transport) as auth:
            answers = await all_answers(auth, providers, FAILURES[failure])

    stored = [await mongo.all_tenants(name).find() for name in ("integrations", "credentials", "outbox")]
    places = {"answers": answers, "log": written.getvalue(), "store": repr(stored)}
    secrets = (*CANARIES, *SERVICE_TOKENS.values(), VENDOR_TOKEN, "Basic ")
    assert not [(name, secret) for name, text in places.items() for secret in secrets if secret in text]
    assert "http_call" in places["log"]
