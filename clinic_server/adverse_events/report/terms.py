"""The closed lists of the national case card and of what is concluded about a case, by stable words."""

from enum import StrEnum


class Pregnancy(StrEnum):
    """Whether a woman was pregnant or breastfeeding."""

    NEITHER = "neither"
    PREGNANT = "pregnant"
    BREASTFEEDING = "breastfeeding"


class Programme(StrEnum):
    """By which programme a vaccine is given: the state's, or one people choose and pay."""

    STATE = "state"
    OWN_CHOICE = "own_choice"


class Organised(StrEnum):
    """How a vaccination was organised."""

    ROUTINE = "routine"
    CAMPAIGN = "campaign"
    EMERGENCY = "emergency"


class FeverBand(StrEnum):
    """The highest temperature in the armpit."""

    TO_37_5 = "to_37_5"
    TO_38_5 = "to_38_5"
    FROM_38_6 = "from_38_6"
    NONE = "none"


class SizeBand(StrEnum):
    """The diameter of what is seen at the site of the injection."""

    TO_25_MM = "to_25_mm"
    TO_50_MM = "to_50_mm"
    OVER_50_MM = "over_50_mm"
    NONE = "none"


class CaseOutcome(StrEnum):
    """What became of the person."""

    RECOVERED = "recovered"
    BETTER = "better"
    SEQUELAE = "sequelae"
    DIED = "died"
    UNKNOWN = "unknown"


class FirstClass(StrEnum):
    """What an event is taken for when it is reported."""

    COMMON = "common"
    PENDING = "pending"


class FoundBy(StrEnum):
    """Whether the event was told to the surveillance or looked for by it."""

    PASSIVE = "passive"
    ACTIVE = "active"


class FinalClass(StrEnum):
    """What an event is concluded to have been."""

    COMMON = "common"
    ABNORMAL = "abnormal"
    QUALITY = "quality"
    ERROR = "error"
    COINCIDENTAL = "coincidental"
    PSYCHOGENIC = "psychogenic"
    UNEXPLAINED = "unexplained"
    PENDING = "pending"


class WhoClass(StrEnum):
    """The cause-specific classes of the WHO; causality assessment of an AEFI, 2019."""

    PRODUCT = "product"
    QUALITY_DEFECT = "quality_defect"
    IMMUNISATION_ERROR = "immunisation_error"
    ANXIETY = "anxiety"
    COINCIDENTAL = "coincidental"
    INDETERMINATE = "indeterminate"
    UNCLASSIFIABLE = "unclassifiable"


class HarmGrade(StrEnum):
    """How much harm was done, by the grades of medical accidents: 1A is the gravest."""

    G1A = "1a"
    G1B = "1b"
    G2A = "2a"
    G2B = "2b"
    G2C = "2c"
    G2D = "2d"
    G3A = "3a"
    G3B = "3b"
    G3C = "3c"
    G3D = "3d"
    G3E = "3e"
    G4 = "4"


class ConcludingBody(StrEnum):
    """Who concluded what an event was."""

    MEDICAL_ASSOCIATION = "medical_association"
    EXPERT_PANEL = "expert_panel"
    DISEASE_CONTROL = "disease_control"
    HOSPITAL = "hospital"
    SITE = "site"


class BodyLevel(StrEnum):
    """At which level of administration the concluding body stands."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"
    TOWNSHIP = "township"


class ClaimKind(StrEnum):
    """Who is asked to bear the costs."""

    PROVINCE = "province"
    MAKER = "maker"
    COMMERCIAL_INSURANCE = "commercial_insurance"
    MEDICAL_INSURANCE = "medical_insurance"


class CopyFor(StrEnum):
    """For whom a copy leaves the site: the county, which has the whole card by law, or who is asked to bear costs."""

    COUNTY_CDC = "county_cdc"
    PROVINCE = ClaimKind.PROVINCE.value
    MAKER = ClaimKind.MAKER.value
    COMMERCIAL_INSURANCE = ClaimKind.COMMERCIAL_INSURANCE.value
    MEDICAL_INSURANCE = ClaimKind.MEDICAL_INSURANCE.value

    @property
    def claim(self) -> ClaimKind | None:
        """Which claim it is about; none at the county's."""
        return None if self is CopyFor.COUNTY_CDC else ClaimKind(self.value)


class ExportForm(StrEnum):
    """How a copy of a card is written; also the end of the file's name."""

    JSON = "json"
    XLSX = "xlsx"
    CSV = "csv"
