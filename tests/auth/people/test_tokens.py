import base64
from datetime import UTC, datetime, timedelta

import pytest
from auth_env import KEY

from auth.people.tokens import TokenSigner
from shared.runtime.settings import AuthSettings
from shared.web.person import Person, Role
from shared.web.problems import Problem
from shared.web.token_verification import TokenVerifier

SIGNER = TokenSigner(KEY, "trueup", timedelta(hours=8))


def test_the_published_keys_hold_nothing_private() -> None:
    (key,) = SIGNER.published_keys()["keys"]

    assert {"kty", "crv", "x", "kid"} <= set(key)
    assert "d" not in key


async def test_a_token_of_another_key_is_refused() -> None:
    other = base64.b64encode(b"e" * 32).decode()
    forged = TokenSigner(other, "trueup", timedelta(hours=1)).sign(
        Person("demo", "per_1", "Eve", Role.ADMIN), datetime.now(UTC)
    )

    with pytest.raises(Problem, match="not valid"):
        await TokenVerifier(AuthSettings(url=""), SIGNER).person(forged.token)
