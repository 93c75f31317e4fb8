"""What each role at each level may do: the whole policy on one screen.

Where it may be done is the reach's matter (row security). Levels are data: 1 is the township,
larger numbers lie deeper. `down_to` is the deepest level at which the role holds the permissions;
without it every level does.
"""

from functools import cache
from typing import NamedTuple

from api.foundation.labels import Labelled


class Role(Labelled):
    """What a person does at a grid; a post joins person, role and grid (M1.2)."""

    administrator = "administrator", "系统管理员"
    grid_leader = "grid_leader", "网格长"
    grid_worker = "grid_worker", "网格员"
    cadre = "cadre", "干部"
    party_member = "party_member", "党员"
    village_doctor = "village_doctor", "村医"
    medic = "medic", "医护人员"
    police_officer = "police_officer", "民警"
    auxiliary_police = "auxiliary_police", "辅警"
    volunteer = "volunteer", "志愿者"
    household_representative = "household_representative", "户代表"


class Permission(Labelled):
    """One thing that may be done. Routes name theirs; keep the list in alphabetical order."""

    accounts_open = "accounts:open", "开通和重置登录账号"
    alerts_answer = "alerts:answer", "响应、处置、核实异常"
    alerts_read = "alerts:read", "查看异常"
    alerts_report = "alerts:report", "上报异常"
    arrivals_read = "arrivals:read", "查看返（来）乡和风险地区"
    arrivals_record = "arrivals:record", "登记返（来）乡"
    audit_read = "audit:read", "查看操作记录"
    care_read = "care:read", "查看问候和随访"
    care_record = "care:record", "登记问候和随访"
    checkpoints_manage = "checkpoints:manage", "设置卡点、排班和查验规则"
    checkpoints_read = "checkpoints:read", "查看卡点和通行记录"
    directives_issue = "directives:issue", "下达指令"
    directives_read = "directives:read", "查看、反馈指令"
    dossiers_export = "dossiers:export", "应本人请求导出一人一档"
    dossiers_read = "dossiers:read", "查看一人一档"
    duties_read = "duties:read", "查看任务完成情况和工作量"
    grids_manage = "grids:manage", "建立、调整网格"
    grids_read = "grids:read", "查看网格"
    health_records_read = "health_records:read", "查看检测结果"
    health_records_record = "health_records:record", "登记检测结果"
    households_read = "households:read", "查看户和居民"
    households_register = "households:register", "登记、修改户和居民"
    integrations_manage = "integrations:manage", "管理第三方系统的接入"
    leads_manage = "leads:manage", "下发、分派、审核、反馈线索"
    leads_read = "leads:read", "查看线索"
    leads_verify = "leads:verify", "核查线索"
    passes_record = "passes:record", "登记卡点通行"
    policies_manage = "policies:manage", "制定方案和规则"
    policies_read = "policies:read", "查看方案和规则"
    posts_appoint = "posts:appoint", "任免和交接"
    posts_read = "posts:read", "查看人员和任职"
    quarantines_manage = "quarantines:manage", "开始、变更、结束隔离"
    quarantines_read = "quarantines:read", "查看隔离和包保人员"
    readings_read = "readings:read", "查看体温"
    readings_record = "readings:record", "登记体温、去向和交接"
    residents_reveal = "residents:reveal", "查看证件号、电话全文"
    risk_areas_manage = "risk_areas:manage", "维护风险地区名单"
    sites_manage = "sites:manage", "设置采样点、接种点和排班"
    sites_read = "sites:read", "查看采样点、接种点"
    sites_record = "sites:record", "登记采样、接种人数和问题"
    teams_arrange = "teams:arrange", "安排四包一人员"
    visits_read = "visits:read", "查看走访"
    visits_record = "visits:record", "登记走访"


P = Permission
_OWN_HOME = {P.grids_read, P.households_read, P.visits_read, P.quarantines_read, P.readings_read}
_PLACES = {P.checkpoints_read, P.sites_read}
_LOOK = _OWN_HOME | _PLACES | {P.posts_read, P.policies_read, P.alerts_read, P.care_read}
_AT_THE_DOOR = {P.visits_record, P.readings_record, P.care_record, P.alerts_report}
_AT_THE_ROAD = {P.passes_record, P.sites_record}
_FIELD = _LOOK | _AT_THE_DOOR | _AT_THE_ROAD | {P.directives_read, P.duties_read}
_ANSWER = {P.alerts_answer, P.residents_reveal, P.arrivals_read, P.dossiers_read}
_LEADS = {P.leads_read, P.leads_verify}
_HEALTH = {P.health_records_read, P.health_records_record}
_REGISTER = _FIELD | _ANSWER | _HEALTH | _LEADS | {P.households_register, P.arrivals_record}
_PLACED = {P.checkpoints_manage, P.sites_manage}
_LEAD = _PLACED | {P.quarantines_manage, P.teams_arrange, P.directives_issue, P.leads_manage}
_VILLAGE = _REGISTER | _LEAD | {P.posts_appoint, P.accounts_open, P.dossiers_export}
_AREA = _VILLAGE | {P.grids_manage, P.audit_read}
_WHOLE = {P.policies_manage, P.risk_areas_manage, P.integrations_manage}
_TOWNSHIP = _AREA | _WHOLE  # they bind the whole township


class Grant(NamedTuple):
    """The permissions of a role, down to a level."""

    role: Role
    permissions: set[Permission]
    down_to: int | None = None


POLICY: tuple[Grant, ...] = (
    Grant(Role.administrator, _TOWNSHIP),
    Grant(Role.grid_leader, _TOWNSHIP, down_to=1),
    Grant(Role.grid_leader, _AREA, down_to=2),
    Grant(Role.grid_leader, _VILLAGE),
    Grant(Role.grid_worker, _VILLAGE, down_to=2),  # 二级网格员: the township's leadership members
    Grant(Role.grid_worker, _REGISTER),
    Grant(Role.cadre, _VILLAGE, down_to=3),
    Grant(Role.cadre, _REGISTER),
    Grant(Role.medic, _FIELD | _ANSWER | _HEALTH),
    Grant(Role.village_doctor, _FIELD | _ANSWER | _HEALTH),
    Grant(Role.police_officer, _FIELD | _ANSWER),
    Grant(Role.auxiliary_police, _FIELD),
    Grant(Role.party_member, _FIELD),
    Grant(Role.volunteer, _FIELD),
    Grant(Role.household_representative, _OWN_HOME),
)


@cache
def permitted(role: Role, level: int) -> frozenset[Permission]:
    """Everything that a holder of `role` at a grid of `level` may do."""
    held = (
        grant.permissions
        for grant in POLICY
        if grant.role is role and (grant.down_to is None or level <= grant.down_to)
    )
    return frozenset[Permission]().union(*held)


DEEPEST = 20
"""Levels of the tree, more than any township has."""


def roles_with(permission: Permission) -> list[Role]:
    """The roles that have it wherever they are held, not only down to a level."""
    return [role for role in Role if permission in permitted(role, DEEPEST)]
