"""How the token endpoint refuses: in the form of RFC 6749 §5.2, which its callers already read."""

from collections.abc import Callable, Coroutine
from typing import Any, Literal

import orjson
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

OAuthError = Literal["invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"]

_SAID: dict[str, str] = {
    "invalid_request": "The request is malformed, repeats a parameter or proves itself twice.",
    "invalid_client": "The client is unknown, not let in from here, or was not proven.",
    "invalid_scope": "The client may not do everything that was asked for.",
    "unsupported_grant_type": "The only grant type is client_credentials.",
}
_NEVER_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class TokenRefusal(BaseModel):
    """Why there is no token (RFC 6749 §5.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"error": "invalid_client", "error_description": _SAID["invalid_client"]}]
        }
    )

    error: OAuthError = Field(description="错误代码，供程序判断")
    error_description: str = Field(description="英文说明，RFC 6749 只允许 ASCII")


class TokenRefused(Exception):
    """No token; only the token endpoint raises it, and answers it itself."""

    def __init__(self, error: OAuthError) -> None:
        super().__init__(error)
        self.error: OAuthError = error

    def answer(self) -> Response:
        body = {"error": self.error, "error_description": _SAID[self.error]}
        unproven = self.error == "invalid_client"
        headers = {"WWW-Authenticate": 'Basic realm="onegrid"'} if unproven else {}
        return Response(
            orjson.dumps(body),
            status_code=401 if unproven else 400,
            media_type="application/json",
            headers={**_NEVER_STORED, **headers},
        )


class SpeaksOAuth(APIRoute):
    """A route that refuses as RFC 6749 wants it; whatever else goes wrong stays a problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except TokenRefused as refusal:
                return refusal.answer()
            except RequestValidationError:
                return TokenRefused("invalid_request").answer()
            except HTTPException as error:
                if error.status_code != 400:  # noqa: PLR2004 - a form that is none
                    raise
                return TokenRefused("invalid_request").answer()

        return answered
