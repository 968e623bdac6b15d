import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from pydantic import BaseModel, field_validator

from shared import errors
from shared.web.problems import FieldError, Problem, install_problem_handlers


class Order(BaseModel):
    quantity: int

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


async def test_a_bug_shows_nothing_of_itself() -> None:
    answer = await answer_to(ValueError("canary"))

    assert answer.status_code == 500
    assert "canary" not in answer.text
