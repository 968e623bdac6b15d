"""The vendors' published specifications, and whether an answer of the sandbox fits them.

Importing what reads them takes longer than all other tests together: to be imported where it is used.
"""

import json
from pathlib import Path
from typing import Any

import httpx
from jsonschema_path.readers import FilePathReader
from openapi_core import Config, OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse
from sandboxes import ORIGIN, SPECS

INGRAM, CONNECTWISE = SPECS / "ingram-micro-simpleapi-1.15.yaml", SPECS / "connectwise-subset.json"
MEDIA_TYPE = "application/vnd.connectwise.com+json"


class VendorSpecification:
    """One vendor's specification."""

    def __init__(self, api: OpenAPI) -> None:
        self._api = api

    @classmethod
    def of_the_marketplace(cls) -> "VendorSpecification":
        document = _read(INGRAM)
        document["servers"] = [{"url": f"{ORIGIN}/marketplace/na"}]
        for name in ("OrderParameterValue", "FulfilmentParameterValue"):
            # Published as objects; vendor examples and live observations show plain texts.
            del document["components"]["schemas"][name]["properties"]["value"]["type"]
        return cls(OpenAPI.from_dict(document))

    @classmethod
    def of_the_psa(cls) -> "VendorSpecification":
        document = _read(CONNECTWISE)
        document["servers"] = [{"url": f"{ORIGIN}/v2025_1/apis/3.0"}]
        config = Config(extra_media_type_deserializers={MEDIA_TYPE: _decoded})
        return cls(OpenAPI.from_dict(document, config=config))

    def assert_fits(self, answer: httpx.Response) -> None:
        """Fails if the request or its answer does not fit."""
        sent = answer.request
        request = MockRequest(
            ORIGIN,
            sent.method,
            sent.url.path,
            args=dict(sent.url.params),
            headers=dict(sent.headers),
            data=sent.content or None,
        )
        media_type = answer.headers["content-type"]
        try:
            self._api.validate_request(request)
            self._api.validate_response(
                request, MockResponse(answer.content, answer.status_code, content_type=media_type)
            )
        except OpenAPIError as error:
            raise AssertionError(f"{sent.method} {sent.url}: {error!r}, {error.__cause__!r}") from error


def _read(specification: Path) -> dict[str, Any]:
    document, _ = FilePathReader(str(specification)).read()
    return dict(document)


def _decoded(body: bytes, **_parameters: str) -> Any:
    """The vendor's media type is JSON; its `version` parameter is handed over, too."""
    return json.loads(body)
