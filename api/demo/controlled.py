"""Those whose plan a leader confirms: by the protocols' first stage, each with who serves them."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

from api.demo.homecomings import CONTROLLED, COUNTY, HIGH, PREFECTURE, Homecoming
from api.demo.quarantines import Quarantine, team_of
from api.demo.sign_ins import MEDIC, post_of
from api.demo.township import Post, Township
from api.protocols.documents import Stage
from api.protocols.models import ManagementCategory
from api.protocols.shipped import preset_of
from api.quarantines.models import QuarantineReason

Controlled = tuple[Homecoming, Quarantine]

_PLANS = {
    HIGH: ("gx_2022_0118", "central_14_home_7"),
    COUNTY: ("gx_2022_0118", "central_7"),
    PREFECTURE: ("gx_2022_0118", "prefecture_home_7"),
}
_ELSE = ("gx_3d2", "three_days_two_tests")
_FIRST_NUMBER = 100


def control(township: Township, coming: Iterable[Homecoming]) -> Iterator[Controlled]:
    """The quarantines that begin for them, as the protocols will have it."""
    nurse = post_of(township, MEDIC).worker
    for each in coming:
        if each.fate not in CONTROLLED:
            continue
        stage = _first_stage(each)
        central = stage.category is ManagementCategory.centralized_quarantine
        yield (
            each,
            Quarantine(
                id=township.chance.id("controlled", each.number),
                number=_FIRST_NUMBER + each.number,
                hamlet=each.hamlet,
                household=each.household,
                resident=each.resident,
                reason=QuarantineReason.affected_area,
                started_on=each.day,
                last_on=each.day + timedelta(days=stage.duration_days - 1),
                team=_team(township, each) if stage.care_team_policy else [],
                stage=stage,
                nurse=nurse if central else None,
                begins_at=each.decided_at,
            ),
        )


def _first_stage(coming: Homecoming) -> Stage:
    preset, code = _PLANS.get(coming.origin, _ELSE)
    plans = preset_of(preset).document.plans
    return next(plan for plan in plans if plan.code == code).stages[0]


def _team(township: Township, coming: Homecoming) -> list[Post]:
    village = next(each for each in township.villages if coming.hamlet in each.hamlets)
    # Every fourth team would have the doctor of the next village, who has enough to do.
    return team_of(township, 4 * coming.number + 1 + coming.number % 3, village, coming.hamlet)
