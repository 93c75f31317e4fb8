"""Division codes as they are compared: zeros that only fill a code up say nothing of the place."""

_LENGTHS = (2, 4, 6, 9, 12)
"""Province, prefecture, county (GB/T 2260), township (GB/T 10114), village."""


def significant(code: str) -> str:
    """The part of a code that names a division: 451400 and 451400000000 are both 4514.

    Whatever lies in the division begins with it. A code of zeros keeps its first two digits.
    """
    for length in _LENGTHS:
        if not code[length:].strip("0"):
            return code[:length]
    return code


def canonical(code: str) -> str:
    """A code as it is kept: 6 digits down to the county, 9 for a township, 12 for a village."""
    return significant(code).ljust(6, "0")


def prefixes_of(code: str) -> list[str]:
    """What the divisions begin with in which the place `code` lies, its own included."""
    return [code[:length] for length in _LENGTHS if length <= len(code)]


def holds(prefix: str, code: str) -> bool:
    """Whether the place `code` lies in the division whose significant part is `prefix`."""
    return code.startswith(prefix)
