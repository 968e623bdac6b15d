"""Answers that are written as JSON once, by the model itself."""

from fastapi import Response
from pydantic import BaseModel


def json(model: BaseModel, *, status: int = 200) -> Response:
    """Returns the model as a JSON answer.

    FastAPI would validate a returned model once more and turn it into plain objects before it writes them.
    The route still names the model as its `response_model`, for the API's description.
    """
    return Response(model.model_dump_json(), status, media_type="application/json")
