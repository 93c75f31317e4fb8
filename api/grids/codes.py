"""Codes of grids: a division's twelve digits and a sequence, never given out twice (domain 2.2).

The township and the villages have official codes of twelve digits (GB/T 2260, GB/T 10114 and the
statistical village segment). Everything else is numbered within the nearest of them; the form of
the whole is the setting `grid_code_pattern`.
"""

import re
from itertools import islice

from sqlalchemy import func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.grids.models import Grid, GridKind, RetiredCode
from api.grids.problems import CodeMisshapen, CodeNeeded, CodeTaken

TOWNSHIP_DIGITS = 9
_LONGEST_SEQUENCE = 6


def check_code(code: str, *, kind: GridKind, division: str, pattern: str) -> None:
    """Hold a given code to `pattern` and to the `division` it lies in.

    Raises `CodeMisshapen`. A village and an area begin as their township does; a village has the
    length of a division.
    """
    of_township = kind in (GridKind.village, GridKind.area)
    prefix = division[:TOWNSHIP_DIGITS] if of_township else division
    if not re.fullmatch(pattern, code, re.ASCII) or not code.startswith(prefix):
        raise CodeMisshapen(f"编码应以 {prefix} 开头，并符合本地编码规则。")
    if kind is GridKind.village and len(code) != len(division):
        raise CodeMisshapen(f"村（社区）的编码应为{len(division)}位。")
    if code == division:
        raise CodeMisshapen("编码与所在的行政区划相同，应加上顺序号。")


async def refuse_retired(session: AsyncSession, code: str) -> None:
    """Raise `CodeTaken` for a code that a grid once had; the database minds those in use."""
    if await session.get(RetiredCode, code) is not None:
        raise CodeTaken


async def next_codes(
    session: AsyncSession, division: str, *, pattern: str, wanted: int = 1
) -> list[str]:
    """The next codes in `division` that no grid ever had; raises `CodeNeeded` when there are none.

    Whoever else numbers in this division waits until this transaction ends.
    """
    in_division = func.hashtext(f"codes {division}")
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtext(func.current_schema()), in_division))
    )
    ever = (
        select(code).where(code.startswith(division, autoescape=True))
        for code in (col(Grid.code), col(RetiredCode.code))
    )
    used = set((await session.scalars(union_all(*ever))).all())
    width = _width(division, pattern)
    numbered = (f"{division}{number:0{width}d}" for number in range(1, 10**width))
    free = list(islice((code for code in numbered if code not in used), wanted))
    if len(free) < wanted:
        raise CodeNeeded("该村（社区）内的顺序号无法自动编排，请填写网格编码。")
    return free


def _width(division: str, pattern: str) -> int:
    """How many digits the sequence has in the place's form; zero where it cannot be told."""
    widths = range(1, _LONGEST_SEQUENCE + 1)
    forms = (width for width in widths if re.fullmatch(pattern, f"{division}{1:0{width}d}"))
    return next(forms, 0)
