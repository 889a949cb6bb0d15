"""What requests may contain."""

from typing import Annotated

from pydantic import StringConstraints


PropertyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Properties = dict[PropertyName, str | bool | int | float]
