import pytest
from fastapi import APIRouter, FastAPI
from httpx import ASGITransport, AsyncClient, Response
from pydantic import BaseModel, field_validator

from shared import errors, limits
from shared.plain_text import PlainText
from shared.web.problems import FieldError, Problem, install_problem_handlers, invalid_request


class Order(BaseModel):
    quantity: int
    note: PlainText = ""

    @field_validator("quantity")
    @classmethod
    def not_thirteen(cls, quantity: int) -> int:
        if quantity == 13:
            raise ValueError("order a dozen")
        return quantity


def an_app(error: Exception) -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.post("/")
    async def fail(order: Order) -> None:  # noqa: ARG001  it is what validation looks at
        raise error

    return app


async def answer_to(error: Exception, quantity: object = 1) -> Response:
    transport = ASGITransport(an_app(error), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post("/", json={"quantity": quantity})


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound("no line 7"), 404),
        (errors.Conflict("line 7 has changed"), 409),
        (errors.RuleBroken("not on a Sunday"), 409),
        (errors.UnexpectedResponse("not JSON"), 502),
        (errors.TransientError("busy", retry_after=12.4), 503),
        (Problem(422, "No", "two fields", fields=[FieldError("key", "refused")], line=7), 422),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_every_kind_of_error_has_its_status_and_sentence(error: Exception, status: int) -> None:
    answer = await answer_to(error)

    assert answer.status_code == answer.json()["status"] == status
    assert answer.json()["detail"] == str(error)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_wait_is_given_in_seconds() -> None:
    assert (await answer_to(errors.TransientError("busy", retry_after=12.4))).headers["retry-after"] == "12"


async def test_a_problem_names_fields_and_more() -> None:
    body = (await answer_to(Problem(422, "No", "why", fields=[FieldError("key", "refused")], line=7))).json()

    assert body["fields"] == [{"name": "key", "reason": "refused"}]
    assert body["line"] == 7


async def test_an_invalid_request_names_the_field_and_never_its_value() -> None:
    answer = await answer_to(ValueError(), quantity="canary")

    assert answer.status_code == 422
    assert answer.json()["fields"][0]["name"] == "quantity"
    assert "canary" not in answer.text


async def test_a_rule_of_ours_is_answered_in_its_own_words_alone() -> None:
    answer = await answer_to(ValueError(), quantity=13)

    assert answer.json()["fields"] == [{"name": "quantity", "reason": "order a dozen"}]


async def test_what_cannot_be_shown_is_refused_in_a_sentence() -> None:
    transport = ASGITransport(an_app(ValueError()))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post("/", json={"quantity": 1, "note": "a\u202eb"})

    reason = "must not contain line breaks, control characters or marks that turn the text round"
    assert answer.json()["fields"] == [{"name": "note", "reason": reason}]


async def test_a_bug_shows_nothing_of_itself() -> None:
    answer = await answer_to(ValueError("canary"))

    assert answer.status_code == 500
    assert "canary" not in answer.text


async def send(body: bytes, path: str = "/", method: str = "POST") -> Response:
    transport = ASGITransport(an_app(ValueError()), raise_app_exceptions=False)
    headers = {"Content-Type": "application/json"}
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, content=body, headers=headers)


@pytest.mark.parametrize(
    "body",
    [b"\xff\xfe\xfd", b'{"quantity": "\xff"}', b"[" * 100_000, b'{"quantity": ' + b"9" * 5_000 + b"}"],
    ids=["no UTF-8", "a text that is no UTF-8", "too deep", "too many digits"],
)
async def test_a_body_that_cannot_be_read_is_refused_like_any_that_is_not_valid(body: bytes) -> None:
    answer = await send(body)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["fields"] == [
        {"name": "body", "reason": "this cannot be read: send JSON in UTF-8, without deep nesting"}
    ]


async def test_a_body_that_is_no_json_is_named_as_a_whole() -> None:
    answer = await send(b'{"quantity": }')

    assert (answer.status_code, answer.json()["fields"][0]["name"]) == (422, "body")


async def test_a_refusal_can_be_written_whatever_a_field_is_called() -> None:
    error = Problem(
        422, "No \ud800", "why \udfff", fields=[FieldError("\ud800", "not \udc00")], more="\ud800"
    )

    answer = await answer_to(error)

    assert answer.status_code == 422
    assert answer.json()["fields"] == [{"name": "?", "reason": "not ?"}]


async def test_a_refusal_names_so_many_fields_and_counts_the_others() -> None:
    before = limits.hits().get("field-errors", 0)
    fields = [FieldError(f"items.{number}", "this is needed") for number in range(20_000)]

    answer = await answer_to(Problem(422, "No", "why", fields=fields))

    assert len(answer.json()["fields"]) == 50
    assert answer.json()["detail"] == "why; and 19950 more"
    assert limits.hits()["field-errors"] == before + 1


async def test_a_request_with_a_thousand_faults_is_answered_in_few_words() -> None:
    answer = await send(b'{"quantity": {}, ' + b", ".join(b'"k%d": 1' % i for i in range(1_000)) + b"}")

    assert answer.status_code == 422
    assert len(answer.content) < 20_000


async def test_the_name_of_a_wrong_field_is_cut() -> None:
    before = limits.hits().get("field-name-characters", 0)

    answer = await answer_to(invalid_request([FieldError("k" * 1_000_000, "unknown")]))

    assert answer.json()["fields"] == [{"name": "k" * 199 + "…", "reason": "unknown"}]
    assert limits.hits()["field-name-characters"] == before + 1


async def test_a_method_that_is_not_there_is_answered_with_all_that_are() -> None:
    app = an_app(ValueError())

    @app.get("/")
    async def read() -> None: ...

    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.delete("/")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_a_method_that_is_not_there_is_answered_with_all_that_are_of_included_routers_too() -> None:
    app, one, other = FastAPI(), APIRouter(prefix="/lines"), APIRouter()
    install_problem_handlers(app)

    @one.get("/{line_id}")
    async def read(line_id: str) -> str:
        return line_id

    @other.delete("/lines/{line_id:path}")
    async def remove(line_id: str) -> str:
        return line_id

    outer = APIRouter()
    outer.include_router(one)
    app.include_router(outer)
    app.include_router(other)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        answer = await client.put("/lines/7")

    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET")
