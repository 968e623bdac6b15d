import io
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout

import httpx
import pytest
from auth_env import SERVICE_TOKENS, as_person, as_service, auth_over_http
from http_fakes import Reply
from provider_fakes import CANARIES, FarSide, connectwise_body, ingram_body

from shared.mongo import Mongo
from shared.web.person import Role

VENDOR_TOKEN = "eyJhbGciOiJSUzI1NiJ9.canary-vendor-token.c2ln"
Trouble = Callable[[str], Reply]
TROUBLES: dict[str, Trouble | None] = {
    "all is well": None,
    "the provider echoes all": lambda secrets: httpx.Response(400, json={"message": secrets}),
    "the provider fails and echoes all": lambda secrets: httpx.Response(500, text=secrets),
    "no JSON": lambda secrets: httpx.Response(200, text=f"<html>{secrets}"),
    "another shape": lambda secrets: httpx.Response(200, json={"token": VENDOR_TOKEN, "canaries": secrets}),
    "a redirect": lambda _: httpx.Response(302, headers={"Location": "https://canary-password@x.example/"}),
    "cut off": httpx.ReadError,
}
KNOWN_AT = {
    "/marketplace/na/token": " ".join(CANARIES[:2]),
    "/marketplace/na/customers": " ".join((*CANARIES[:2], VENDOR_TOKEN)),
    "/login/companyinfo/acme": " ".join(CANARIES[2:]),
    "/v2025_1/apis/3.0/company/companies": " ".join(CANARIES[2:]),
}


async def everything(auth: httpx.AsyncClient, far_side: FarSide, trouble: Trouble | None) -> str:
    """All that a person ever gets to see while they connect, list, ask for access and disconnect."""
    admin, seen = as_person(Role.ADMIN), []
    for body in (ingram_body(), connectwise_body(), ingram_body(password="")):
        connected = await auth.post("/integrations", json=body, headers=admin)
        far_side.says = {path: trouble(known) for path, known in KNOWN_AT.items()} if trouble else {}
        again = await auth.post("/integrations", json=body, headers=admin)
        listed = await auth.get("/integrations", headers=admin)
        seen += [connected, again, listed]
        for one in listed.json()["integrations"]:
            wanted = {"tenant_id": "demo", "integration_id": one["integration_id"]}
            for service in SERVICE_TOKENS:
                access = await auth.post("/internal/access", json=wanted, headers=as_service(service))
                seen += [access] if access.status_code != 200 else []
            seen.append(await auth.delete(f"/integrations/{one['integration_id']}", headers=admin))
        far_side.says = {}
    return " ".join(f"{answer.status_code} {answer.headers} {answer.text}" for answer in seen)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_no_secret_is_answered_logged_or_left_lying_about(mongo: Mongo, trouble: str) -> None:
    far_side, written = FarSide(), io.StringIO()

    with redirect_stdout(written), redirect_stderr(written):
        async with auth_over_http(mongo, far_side.transport) as auth:
            seen = await everything(auth, far_side, TROUBLES[trouble])

    stored = [await mongo.all_tenants(name).find() for name in ("integrations", "credentials", "outbox")]
    places = {"answers": seen, "log": written.getvalue(), "store": repr(stored)}
    secrets = (*CANARIES, *SERVICE_TOKENS.values(), VENDOR_TOKEN, "Basic ")
    assert not [(name, one) for name, text in places.items() for one in secrets if one in text]
    assert "http_call" in places["log"]
