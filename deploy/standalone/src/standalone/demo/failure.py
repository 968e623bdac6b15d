"""The error of a call that a service refused."""

from typing import Any

from shared.errors import PermanentError


class DemoFailure(PermanentError):
    """An answer other than success: its HTTP status and its problem document."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        super().__init__(f"{status}: {document.get('detail', document)}")
        self.status, self.document = status, document
