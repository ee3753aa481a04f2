"""How Intercom refuses: the error list and the refusals that several endpoints share."""

from gtm_platform.sandbox.intercom.wire import Shape


class IntercomError(Exception):
    def __init__(self, status: int, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message} | ({"field": field} if field else {})

    def body(self, request_id: str) -> Shape:
        return {"type": "error.list", "request_id": request_id, "errors": [self.error]}


def invalid(message: str, field: str | None = None) -> IntercomError:
    return IntercomError(400, "parameter_invalid", message, field)


def not_found(message: str = "Resource Not Found", code: str = "not_found") -> IntercomError:
    return IntercomError(404, code, message)
