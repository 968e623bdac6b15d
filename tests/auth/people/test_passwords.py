import argon2
import pytest

from auth.people.passwords import HashingPool, PasswordHasher

HASHES = PasswordHasher()


def test_a_hash_like_another_is_the_same_for_the_same_password_alone() -> None:
    first = HASHES.hash("right")

    assert HASHES.hash("right", like=first) == first
    assert HASHES.hash("wrong", like=first) != first
    assert HASHES.hash("right") != first


def test_a_hash_like_another_keeps_the_parameters_that_the_other_was_made_with() -> None:
    made_before = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=2).hash("right")

    assert HASHES.hash("right", like=made_before) == made_before


@pytest.mark.parametrize("like", ["", "no hash", "$argon2id$v=19$m=65536,t=3,p=4$!$AAAAAAAA", "\ud800$" * 5])
def test_a_hash_like_what_is_none_has_a_salt_of_its_own(like: str) -> None:
    made = HASHES.hash("right", like=like)

    assert made != like
    assert argon2.PasswordHasher().verify(made, "right")


async def test_one_hash_tells_which_of_those_with_one_salt_the_password_fits() -> None:
    pool = HashingPool(HASHES)
    first = HASHES.hash("one")
    other, garbled = HASHES.hash("other", like=first), "no hash"

    assert await pool.verify([first, other, garbled, first], "one") == [True, False, False, True]
    assert await pool.verify([first, other, garbled], "other") == [False, True, False]
    assert await pool.verify([garbled], "no hash") == [False]
    assert await pool.verify([], "one") == []
    await pool.close()
