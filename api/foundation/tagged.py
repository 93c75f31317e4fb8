"""Parts told apart by a member of theirs: what is wrong in one is told where it stands."""

from typing import Any, get_args

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

_KNOWN = frozenset(get_args(ErrorType))


def _told_in_place(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Pydantic names the kind of part in the place of a fault, as if it were a member."""
    try:
        return read(value)
    except ValidationError as error:
        found = error.errors(include_url=False)
        parts = [_detail(each) for each in found]
        raise ValidationError.from_exception_data(error.title, parts) from None


def _detail(found: Any) -> InitErrorDetails:
    kind, context = found["type"], found.get("ctx", {})
    whatever = kind if kind in _KNOWN else PydanticCustomError(kind, found["msg"], context)
    return InitErrorDetails(
        type=whatever, loc=tuple(found["loc"][1:]), input=found["input"], ctx=context
    )


TOLD_IN_PLACE = WrapValidator(_told_in_place)
"""`Annotated[A | B, Field(discriminator="kind"), TOLD_IN_PLACE]`: pointers without the kind."""
