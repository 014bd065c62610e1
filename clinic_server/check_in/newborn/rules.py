"""How a newborn is told at a desk, and what makes it somebody: never a name, which changes, or a birth date alone."""

from dataclasses import dataclass, field
from datetime import date
from typing import Self

from clinic_server.kit.errors import Refused
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import GuardianTold, IdentityFacts, IdentityIncomplete


class CertificateOrMother(Refused):
    """A newborn is told by its birth certificate or by its mother's document, by one of them; findings name both."""

    code = "certificate_or_mother"


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown for a newborn: a certificate's number, or its mother's document with the order of its birth."""

    certificate_number: str = field(default="", repr=False)
    mother: Document | None = field(default=None, repr=False)
    order: int = 1

    def document(self, born_on: date) -> Document:
        """Return what the child is known by, or raise a Refused."""
        if bool(self.certificate_number) == bool(self.mother):
            raise CertificateOrMother(findings=["certificate_number", "mother_number"])
        if self.mother:
            return Document.of_newborn(self.mother, born_on, self.order)
        return Document.of(DocumentKind.BIRTH_CERTIFICATE, self.certificate_number)


@dataclass(frozen=True, slots=True)
class Newborn:
    """A newborn at the desk, with whoever came with it; make it with ``of``."""

    stated: IdentityFacts
    guardian: GuardianTold
    phone: str = field(default="", repr=False)

    @classmethod
    def of(  # noqa: PLR0913  # one field each of the desk's page
        cls, shown: Shown, *, name: str, sex: Sex, born_on: date, guardian: GuardianTold, phone: str = ""
    ) -> Self:
        """Return the child, or raise a Refused; its sex must be told, which may be all that tells a twin's slip."""
        if sex is Sex.UNKNOWN:
            raise IdentityIncomplete(findings=["sex"])
        stated = IdentityFacts.stated(shown.document(born_on), name=name, sex=sex, born_on=born_on)
        return cls(stated, guardian, phone)
