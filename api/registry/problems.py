"""What the register refuses, by name."""

from typing import ClassVar

from api.foundation.problems import Problem


class ResidentAlreadyRegistered(Problem):
    """Somebody holds this document already; `resident_id` names them where they are in reach."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "证件已登记"
    detail: ClassVar[str] = "该证件号的居民已在本乡镇登记。"
    constraints: ClassVar[tuple[str, ...]] = ("uq_residents_document",)


class HouseholdLeft(Problem):
    """The household has moved away; nobody moves in and nobody answers for it any more."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该户已迁出"
    detail: ClassVar[str] = "该户已迁出，不能再登记居民或安排责任人。"


class ResidentLeft(Problem):
    """The resident has left already."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该居民已离开"
    detail: ClassVar[str] = "该居民已登记离开，请先更正离开日期。"


class NotPartyMember(Problem):
    """The party member of a household is one (M1.4)."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "不是党员"
    detail: ClassVar[str] = "联户党员须由党员担任，所选人员没有登记为党员。"


class NotOfThisGrid(Problem):
    """The grid worker of a household serves at its grid, or at one above it (M1.4)."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "不负责该网格"
    detail: ClassVar[str] = "所选人员没有在该户所在网格或上级网格任网格员、网格长或干部。"


class NotOfThisHousehold(Problem):
    """The representative of a household lives in it (M1.4)."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "不是该户居民"
    detail: ClassVar[str] = "户代表须是该户现有的居民。"


class StillStandsForHouseholds(Problem):
    """Somebody stands for households as their party member; `households` says for how many."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "仍有联户责任"
    detail: ClassVar[str] = "该人员仍是一些户的联户党员，请先把这些户交给其他党员。"


class StillUnderControl(Problem):
    """Whoever is in quarantine does not leave before it has ended; `quarantine_id` names it.

    Of a household, `quarantines` names every one.
    """

    status: ClassVar[int] = 409
    title: ClassVar[str] = "仍在隔离中"
    detail: ClassVar[str] = (
        "仍在隔离中，不能登记离开。期满的请办理解除；转往外地、去世等的请先终止隔离；"
        "擅自离开的，请登记去向为擅自外出。"
    )


class NotAMistake(Problem):
    """Something is known of them: nobody's records are lost. `records` counts it by kind."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "已有记录，不能作废"
    detail: ClassVar[str] = (
        "已有居民、走访或其他记录，不能作废；信息有误请更正，已搬离的请登记离开。"
    )
