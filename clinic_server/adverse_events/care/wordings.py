"""Words in a data file, in the three languages of the screens."""

from typing import Annotated

import msgspec

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Wording(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"zh_cn": "zh-CN", "zh_tw": "zh-TW"}):
    """What something is called."""

    zh_cn: Line
    zh_tw: Line
    en: Line

    def in_language(self, language: str) -> str:
        """Return the words for a language of the screens."""
        return {"zh-CN": self.zh_cn, "zh-TW": self.zh_tw}.get(language, self.en)
