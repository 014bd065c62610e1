"""Where in a TOML file a value stands, for messages a person can act on."""

import re

_STEP = re.compile(r"\.(\w+)((?:\[\d+\])*)")


def line_of(text: str, path: str) -> int:
    """Return the line of a path such as ``$.series[0].dose[1].age.minimum``, or of the nearest part of it.

    Lines count from 1. Tables within a line count as that line.
    """
    lines, header, line = text.splitlines(), "", 0
    for name, places in _STEP.findall(path):
        header = f"{header}.{name}" if header else name
        wanted = int(places.strip("[]").split("][")[0]) if places else 0
        found = _header_line(lines, header, line, wanted) or _key_line(lines, name, line)
        if found is None:
            break
        line = found
    return max(line, 1)


def _header_line(lines: list[str], header: str, after: int, wanted: int) -> int | None:
    marks = {f"[[{header}]]", f"[{header}]"}
    found = [number for number, line in enumerate(lines, 1) if number > after and line.strip() in marks]
    return found[wanted] if wanted < len(found) else None


def _key_line(lines: list[str], name: str, after: int) -> int | None:
    for number, line in enumerate(lines[after:], after + 1):
        if line.lstrip().startswith("["):
            return None
        if re.match(rf"\s*{name}\s*=", line):
            return number
    return None
