"""What is wrong with a rule that is well formed: every fault at once, each with its place.

A fault's place is a JSON Pointer below the body (`document/plans/0/stages/1/anchor`).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from api.access.permissions import Permission, permitted
from api.foundation.problems import InvalidInput
from api.protocols.clocks import Clocks
from api.protocols.coverage import covers, disjoint
from api.protocols.documents import Approver, MatchRule, Plan, ProtocolDocument, Stage
from api.protocols.models import Anchor

Fault = tuple[str, str]
"""Where in the body, and what is wrong there."""


def refuse(faults: Iterable[Fault]) -> None:
    """Raise `InvalidInput` with every fault; nothing where there is none."""
    errors: list[dict[str, Any]] = [
        {"pointer": f"/body/{place}", "detail": detail} for place, detail in faults
    ]
    if errors:
        raise InvalidInput(errors=errors)


@dataclass(frozen=True, slots=True)
class Known:
    """The codes of the policies that the township has: what a document may refer to."""

    monitoring: Collection[str]
    care_teams: Collection[str]
    clocks: Clocks


def of_document(document: ProtocolDocument, known: Known) -> Iterator[Fault]:
    """Everything that would keep a protocol from saying one thing about everybody, all at once."""
    codes = Counter(plan.code for plan in document.plans)
    for number, rule in enumerate(document.match_rules):
        place = f"document/match_rules/{number}"
        if rule.plan not in codes:
            yield f"{place}/plan", f"没有代码为{rule.plan}的管理方案。"
        yield from _of_ranges(rule, f"{place}/when")
    yield from _of_order(document.match_rules)
    for number, plan in enumerate(document.plans):
        place = f"document/plans/{number}"
        if plan.code in {former.code for former in document.plans[:number]}:
            yield f"{place}/code", "管理方案的代码不能重复。"
        yield from _of_plan(plan, place, known)
    for cause, code in document.alert_clocks.items():
        if cause not in known.clocks.causes:
            yield f"document/alert_clocks/{cause}", f"没有名为{cause}的异常。"
        elif code not in known.clocks.codes:
            yield f"document/alert_clocks/{cause}", f"没有代码为{code}的时限规则。"


def _of_ranges(rule: MatchRule, place: str) -> Iterator[Fault]:
    when = rule.when
    ranges = {
        "days_since_arrival": when.days_since_arrival,
        "days_since_exposure": when.days_since_exposure,
        "age": when.age,
    }
    for name, told in ranges.items():
        if told is None:
            continue
        if told.min is None and told.max is None:
            yield f"{place}/{name}", "起止至少填写一项。"
        elif told.max is not None and told.max <= (told.min or 0):
            yield f"{place}/{name}/max", "止须大于起：止日不含在内。"


def _of_order(rules: list[MatchRule]) -> Iterator[Fault]:
    """Each rule must be reachable, and two of one priority must not concern the same person."""
    for number, rule in enumerate(rules):
        for other, earlier in enumerate(rules):
            if earlier.priority == rule.priority and other < number:
                if not disjoint(earlier.when, rule.when):
                    detail = f"与第{other + 1}条先后相同而适用人员相交，请分出先后。"
                    yield f"document/match_rules/{number}/priority", detail
            elif earlier.priority < rule.priority and covers(earlier.when, rule.when):
                detail = f"第{other + 1}条在先并已包括本条全部人员，本条永不适用。"
                yield f"document/match_rules/{number}/when", detail


def _of_plan(plan: Plan, place: str, known: Known) -> Iterator[Fault]:
    for number, stage in enumerate(plan.stages):
        at = f"{place}/stages/{number}"
        follows = stage.anchor is Anchor.previous_stage_end
        if number == 0 and follows:
            yield f"{at}/anchor", "第一阶段之前没有阶段，请改选起算日。"
        if number > 0 and not follows:
            yield f"{at}/anchor", "后一阶段须接在前一阶段之后（previous_stage_end）。"
        yield from _of_tests(stage, at, first=0 if number == 0 and not stage.day_index_base else 1)
        yield from _of_stage(stage, at)
        yield from _of_policies(stage, at, known)
    yield from _of_approver(plan.release.approver, f"{place}/release/approver")
    for number, day in enumerate(plan.follow_up_days[1:], start=1):
        if day <= plan.follow_up_days[number - 1]:
            yield f"{place}/follow_up_days/{number}", "随访日须由小到大，不能重复。"


def _of_approver(approver: Approver, place: str) -> Iterator[Fault]:
    """Who may not see the conditions of a release cannot approve it: nobody would be released."""
    for number, role in enumerate(approver.roles):
        if Permission.health_records_read not in permitted(role, approver.max_level):
            yield f"{place}/roles/{number}", f"{role.label}不能查看检测结果，无法批准解除。"


def _of_tests(stage: Stage, place: str, *, first: int) -> Iterator[Fault]:
    """Days outside the stage; a later stage's day 0 is the last day of the one before."""
    for number, test in enumerate(stage.tests):
        if not first <= test.day <= stage.duration_days:
            detail = f"检测日须在第{first}天至第{stage.duration_days}天之间。"
            yield f"{place}/tests/{number}/day", detail
        if any(
            (test.day, test.kind) == (former.day, former.kind) for former in stage.tests[:number]
        ):
            yield f"{place}/tests/{number}", "同一天、同一方式的检测不能重复，可填写采样份数。"


def _of_stage(stage: Stage, place: str) -> Iterator[Fault]:
    if stage.credit_cap_days is not None and not stage.credit_elapsed:
        yield f"{place}/credit_cap_days", "不抵扣已过天数的，不填最多抵扣天数。"
    if stage.site_checklist is not None and stage.fallback_category is None:
        yield f"{place}/fallback_category", "住所须核查的，要写明不符合时改用的措施。"
    if stage.fallback_category is stage.category:
        yield f"{place}/fallback_category", "改用的措施不能与本阶段的措施相同。"
    items = [item.code for item in stage.site_checklist or ()]
    for number, code in enumerate(items):
        if code in items[:number]:
            yield f"{place}/site_checklist/{number}/code", "核查项的代码不能重复。"


def _of_policies(stage: Stage, place: str, known: Known) -> Iterator[Fault]:
    monitoring, care_team = stage.monitoring_policy, stage.care_team_policy
    if monitoring is not None and monitoring not in known.monitoring:
        yield f"{place}/monitoring_policy", f"没有代码为{monitoring}的测温规则。"
    if care_team is not None and care_team not in known.care_teams:
        yield f"{place}/care_team_policy", f"没有代码为{care_team}的包保规则。"
