"""What goes in and comes out."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints


PropertyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Properties = dict[PropertyName, str | bool | int | float]


class Ticket(BaseModel):
    """A ticket as this service shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    properties: dict[str, str | None]
