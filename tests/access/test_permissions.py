"""The permission matrix, to be checked by a person against the field's rules."""

import pytest

from api.access.permissions import Permission, Role, permitted

_KINDS: dict[str, tuple[Role, range]] = {
    "管理": (Role.administrator, range(1, 7)),
    "长1": (Role.grid_leader, range(1, 2)),
    "长2": (Role.grid_leader, range(2, 3)),
    "长3+": (Role.grid_leader, range(3, 7)),
    "员12": (Role.grid_worker, range(1, 3)),
    "员3+": (Role.grid_worker, range(3, 7)),
    "干13": (Role.cadre, range(1, 4)),
    "干4+": (Role.cadre, range(4, 7)),
    "医护": (Role.medic, range(1, 7)),
    "村医": (Role.village_doctor, range(1, 7)),
    "民警": (Role.police_officer, range(1, 7)),
    "辅警": (Role.auxiliary_police, range(1, 7)),
    "党员": (Role.party_member, range(1, 7)),
    "志愿": (Role.volunteer, range(1, 7)),
    "户代": (Role.household_representative, range(1, 7)),
}

# 长 网格长, 员 网格员, 干 干部; the digits are levels, 1 the township.
_MATRIX = """
                        管理 长1  长2  长3+ 员12 员3+ 干13 干4+ 医护 村医 民警 辅警 党员 志愿 户代
accounts:open           ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
alerts:answer           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·
alerts:read             ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
alerts:report           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
arrivals:read           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·
arrivals:record         ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·    ·    ·    ·
audit:read              ●    ●    ●    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
care:read               ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
care:record             ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
checkpoints:manage      ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
checkpoints:read        ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
directives:issue        ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
directives:read         ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
dossiers:export         ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
dossiers:read           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·
duties:read             ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
grids:manage            ●    ●    ●    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
grids:read              ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●
health_records:read     ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·    ·
health_records:record   ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·    ·
households:read         ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●
households:register     ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·    ·    ·    ·
integrations:manage     ●    ●    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
leads:manage            ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
leads:read              ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·    ·    ·    ·
leads:verify            ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·    ·    ·    ·
passes:record           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
policies:manage         ●    ●    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
policies:read           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
posts:appoint           ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
posts:read              ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
quarantines:manage      ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
quarantines:read        ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●
readings:read           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●
readings:record         ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
residents:reveal        ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·    ·    ·    ·
risk_areas:manage       ●    ●    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
sites:manage            ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
sites:read              ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
sites:record            ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
teams:arrange           ●    ●    ●    ●    ●    ·    ●    ·    ·    ·    ·    ·    ·    ·    ·
visits:read             ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●
visits:record           ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ●    ·
"""

_HEAD, *_ROWS = [line.split() for line in _MATRIX.strip().splitlines()]


@pytest.mark.parametrize(("permission", "marks"), [(row[0], row[1:]) for row in _ROWS])
def test_a_permission_is_held_by_exactly_these_posts(permission: str, marks: list[str]):
    for kind, mark in zip(_HEAD, marks, strict=True):
        role, levels = _KINDS[kind]
        for level in levels:
            held = Permission(permission) in permitted(role, level)
            assert held is (mark == "●"), f"{role.label} at level {level}: {permission}"


def test_the_matrix_shows_every_permission_role_and_level():
    assert [row[0] for row in _ROWS] == sorted(Permission)
    assert list(_KINDS) == _HEAD
    shown = {(role, level) for role, levels in _KINDS.values() for level in levels}
    assert shown == {(role, level) for role in Role for level in range(1, 7)}


def test_a_higher_level_never_holds_less_than_a_lower_one():
    for role in Role:
        for level in range(1, 6):
            assert permitted(role, level) >= permitted(role, level + 1)
