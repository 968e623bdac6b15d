from base64 import urlsafe_b64encode
from typing import Annotated

import pytest
from fastapi import FastAPI, Query
from httpx import ASGITransport, AsyncClient, Response
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from shared.contracts.base import key_of
from shared.web.pagination import KeyCursor, PageRequest, PairCursor, encode_cursor
from shared.web.problems import install_problem_handlers

STORABLE = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


class Position(BaseModel):
    after: str | None
    limit: int


def an_app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/")
    async def position(page: Annotated[PageRequest, Query()]) -> Position:
        return Position(after=page.after, limit=page.limit)

    return app


async def get(**query: str) -> Response:
    async with AsyncClient(transport=ASGITransport(an_app()), base_url="http://test") as client:
        return await client.get("/", params=query)


@given(STORABLE)
def test_a_cursor_over_one_text_leads_back_to_it(key: str) -> None:
    assert TypeAdapter(KeyCursor).validate_python(encode_cursor(key)) == key


@given(STORABLE, STORABLE)
def test_a_cursor_over_a_text_and_an_id_leads_back_to_both(text: str, id_: str) -> None:
    assert TypeAdapter(PairCursor).validate_python(encode_cursor(text, id_)) == (text, id_)


@given(st.lists(STORABLE, min_size=1, max_size=4))
def test_a_cursor_over_a_key_leads_back_to_it(parts: list[str]) -> None:
    assert TypeAdapter(KeyCursor).validate_python(encode_cursor(key_of(*parts))) == key_of(*parts)


@pytest.mark.parametrize(
    "text", ["%F0%9F%98%80", "%f0%9f", "%FF", "%ED%A0%80", "ü%C3%BC", "%C3%BC%2525", "%"], ids=ascii
)
def test_a_text_that_looks_like_a_part_of_a_key_leads_back_to_itself(text: str) -> None:
    assert TypeAdapter(KeyCursor).validate_python(encode_cursor(text)) == text


def test_the_longest_key_makes_a_cursor_that_is_taken() -> None:
    longest = "\N{GRINNING FACE}" * 200
    key = key_of(longest, "ingram-micro", longest, "account", longest)

    assert TypeAdapter(KeyCursor).validate_python(encode_cursor(key)) == key


async def test_a_page_begins_at_the_start_without_a_cursor() -> None:
    assert (await get()).json() == {"after": None, "limit": 100}


async def test_a_page_begins_behind_the_row_that_its_cursor_names() -> None:
    assert (await get(after=encode_cursor("Zürich AG"), limit="7")).json() == {
        "after": "Zürich AG",
        "limit": 7,
    }


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "!",
        "Zg",
        encoded("acme"),
        encoded("{}"),
        encoded("[1]"),
        encoded('["acme", "9"]'),
        encoded('["\\ud800"]'),
        encoded('[["acme"]]'),
        encoded('[["ü", "ü"]]'),
        encoded('["%C3%BC"]'),
        encoded('[["%F0%9F%98%80"]]'),
        encoded('[ "acme"]'),
        encoded("[" * 1000),
        encode_cursor("acme") + "!",
        encode_cursor("a" * 4000),
    ],
    ids=lambda cursor: cursor[:20] or "empty",
)
async def test_a_cursor_that_was_never_given_out_is_refused_with_what_to_do(cursor: str) -> None:
    answer = await get(after=cursor)

    assert answer.status_code == 422
    assert answer.json()["fields"] == [
        {
            "name": "after",
            "reason": "send `next` of the page before, as it was, or leave it out to start again",
        }
    ]


async def test_a_filter_that_does_not_exist_is_refused_by_its_name() -> None:
    answer = await get(serach="acme")

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "serach"


@pytest.mark.parametrize("limit", ["0", "501", "many"])
async def test_a_limit_out_of_bounds_is_refused(limit: str) -> None:
    answer = await get(limit=limit)

    assert (answer.status_code, answer.json()["fields"][0]["name"]) == (422, "limit")
