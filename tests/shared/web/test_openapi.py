from fastapi import FastAPI

from shared.web.openapi import described_router, problem_responses


def test_a_refusal_is_described_as_a_problem_document_by_its_status() -> None:
    responses = problem_responses(_404="No such line", _409="It has changed")

    assert {status: responses[status]["description"] for status in responses} == {
        404: "No such line",
        409: "It has changed",
    }
    schema = responses[404]["content"]["application/problem+json"]["schema"]
    assert {"type", "title", "status", "detail"} <= schema["properties"].keys()


def test_a_described_router_gives_its_routes_a_tag_a_bearer_token_and_refusals() -> None:
    app, router = FastAPI(), described_router("lines")

    @router.get("/lines")
    async def list_lines() -> list[str]:
        return []

    app.include_router(router)
    route = app.openapi()["paths"]["/lines"]["get"]

    assert (route["tags"], route["security"]) == (["lines"], [{"HTTPBearer": []}])
    assert set(route["responses"]) == {"200", "401", "403", "413", "422", "429"}
