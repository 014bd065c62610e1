"""What is told of a product, with its bounds: the same in a body, in a form and in a file."""

from datetime import date

from pydantic import BaseModel, Field, PositiveInt

from clinic_server.stock.rules import Platform, Route


class ProductFields(BaseModel):
    """A product; ``volume_ul`` is one dose in microlitres."""

    code: str = Field(min_length=2, max_length=40, pattern=r"^[a-z0-9-]+$")
    name: str = Field(min_length=1, max_length=80)
    manufacturer: str = Field(min_length=1, max_length=80)
    vaccine_code: str = Field(min_length=1, max_length=40)
    platform: Platform
    route: Route
    volume_ul: int = Field(gt=0, le=10_000)
    doses_per_unit: int = Field(ge=1, le=50)


class TermsFields(BaseModel):
    """What a site itself says of a product it uses; what is left out does not apply."""

    open_vial_minutes: PositiveInt | None = None
    withdrawn_on: date | None = None
