"""What a desk tells of a newborn, on the page and as JSON."""

from datetime import date

from pydantic import BaseModel, Field

from clinic_server.check_in.newborn.rules import Newborn, Shown
from clinic_server.people.documents import MOST_BORN_TOGETHER, Document, DocumentKind, Sex
from clinic_server.people.rules import MOST_NAME_CHARACTERS, MOST_PHONE_CHARACTERS, PHONE_OR_NONE, GuardianTold
from clinic_server.people.signatures import Relationship


class NewbornFields(BaseModel):
    """A newborn by its certificate or its mother, and who came with it; ``order`` counts children of one birth."""

    certificate_number: str = Field("", max_length=40, repr=False)
    mother_kind: DocumentKind = DocumentKind.RESIDENT_ID
    mother_number: str = Field("", max_length=40, repr=False)
    mother_country: str = Field("", max_length=3)
    order: int = Field(1, ge=1, le=MOST_BORN_TOGETHER)
    name: str = Field(min_length=1, max_length=MOST_NAME_CHARACTERS, repr=False)
    sex: Sex
    born_on: date = Field(repr=False)
    guardian_name: str = Field(max_length=MOST_NAME_CHARACTERS, repr=False)
    relationship: Relationship
    phone: str = Field("", max_length=MOST_PHONE_CHARACTERS, pattern=PHONE_OR_NONE, repr=False)

    def newborn(self) -> Newborn:
        """Return who this is, or raise a Refused."""
        number = self.mother_number
        mother = Document.of(self.mother_kind, number, self.mother_country) if number else None
        return Newborn.of(
            Shown(self.certificate_number, mother, self.order),
            name=self.name,
            sex=self.sex,
            born_on=self.born_on,
            guardian=GuardianTold.of(self.guardian_name, self.relationship),
            phone=self.phone,
        )
