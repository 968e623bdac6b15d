"""The sandbox's two resellers, which were written from the same reference by other hands."""

import pytest
from auth_env import auth_over_http, connect, person_headers
from sandboxes import INGRAM, ORIGIN, Sandbox, open_sandbox

from shared.mongo import Mongo
from shared.web.person import Role


def credentials(sandbox: Sandbox) -> dict[str, str]:
    identity = sandbox.identity
    return {
        "provider": "ingram-micro",
        "base_url": INGRAM,
        "marketplace": identity.marketplace,
        "subscription_key": identity.subscription_key,
        "username": identity.username,
        "password": identity.password,
    }


@pytest.mark.parametrize("names_reseller", [True, False])
async def test_a_sister_companys_user_cannot_take_over_the_integration(
    mongo: Mongo, names_reseller: bool
) -> None:
    outbound = {"allowed_origins": (ORIGIN,)}
    async with open_sandbox() as sandbox:
        await sandbox.switch("ingram.names_reseller", names_reseller)
        async with auth_over_http(mongo, sandbox.transport, outbound=outbound) as auth:
            first = await connect(auth, credentials(sandbox))
            await sandbox.switch("ingram.sister_company", value=True)
            refused = await auth.post(
                "/integrations", json=credentials(sandbox), headers=person_headers(Role.ADMIN)
            )
            await sandbox.switch("ingram.sister_company", value=False)
            again = await connect(auth, credentials(sandbox))

    assert (refused.status_code, refused.json()["title"]) == (422, "These credentials are of another company")
    assert again["integration_id"] == first["integration_id"]
    assert again["generation"] > first["generation"]
