"""“What if”: the plan that would apply to a person, worked out without storing anything."""

from collections.abc import Sequence
from datetime import date, timedelta

from api.foundation import clock
from api.foundation.problems import InvalidInput
from api.protocols.facts import Facts
from api.protocols.matching import considered
from api.protocols.models import Protocol
from api.protocols.proposing import Proposed, Rulebook, Standing, diseases, propose
from api.protocols.queries import InForce, policy_of
from api.protocols.timeline import LaidStage, lay_out
from api.protocols.what_if_schemas import (
    FactsTold,
    PlanLaid,
    ProtocolNamed,
    RuleConsidered,
    StageLaid,
    TestDay,
    WhatIf,
    WhatIfRead,
)


async def try_out(book: Rulebook, question: WhatIf) -> WhatIfRead:
    """What would apply, to facts as somebody tells them: none lies after the day they are told for.

    Raises what `what_if` raises.
    """
    known_on = max(clock.today(), question.on or clock.today())
    starts_on = max(known_on, question.control_starts_on or known_on)
    refuse_days_to_come(question.facts, known_on=known_on, starts_on=starts_on)
    return await what_if(book, question)


def refuse_days_to_come(facts: FactsTold, *, known_on: date, starts_on: date) -> None:
    """Raise `InvalidInput` for an exposure that is yet to come, and for whoever comes too late.

    Somebody whose control is planned may still have to leave where they are, and to arrive.
    """
    latest = {
        "last_exposure_on": (known_on, "末次暴露日期不能晚于今天。"),
        "left_risk_area_on": (starts_on, "离开风险区日期不能晚于开始管控之日。"),
        "arrived_on": (starts_on, "抵达日期不能晚于开始管控之日。"),
    }
    for name, (day, detail) in latest.items():
        told: date | None = getattr(facts, name)
        if told is not None and told > day:
            raise InvalidInput(detail, pointer=f"/body/facts/{name}")


async def what_if(book: Rulebook, question: WhatIf) -> WhatIfRead:
    """The plan for these facts on that day, stage by stage, and every rule considered.

    Raises `NotFound` for a protocol that is not there, and `InvalidInput` where protocols of
    several diseases are in force and none was named, or one that none of them concerns: to a word
    that was misspelt the answer is not that nobody need be controlled.
    """
    on = question.on or clock.today()
    starts_on = question.control_starts_on or on
    facts, standing = question.facts.facts(), await _asked(book, question, on)
    proposed = propose(standing, facts, on)
    return WhatIfRead(
        on=on,
        control_starts_on=starts_on,
        plan=_laid_out(proposed, facts, starts_on) if proposed else None,
        considered=_considered(standing, proposed, facts, on),
    )


async def _asked(book: Rulebook, question: WhatIf, on: date) -> Sequence[Standing]:
    if question.protocol_id is not None:
        protocol = await policy_of(book.session, Protocol, question.protocol_id)
        named = InForce(*(getattr(protocol, name) for name in InForce._fields))
        return [await book.read(named)]
    standing = await book.standing(on, disease=question.disease)
    known = diseases(standing)
    if len(known) > 1:
        told = f"当日施行的方案涉及{'、'.join(known)}，请写明是哪一种疾病。"
        raise InvalidInput(told, pointer="/body/disease")
    if not known and question.disease is not None:
        await _refuse_unknown(book, on)
    return standing


async def _refuse_unknown(book: Rulebook, on: date) -> None:
    """Raise `InvalidInput` where there is something in force, but for other diseases."""
    others = diseases(await book.standing(on))
    if others:
        told = f"当日没有施行针对这种疾病的方案，施行的方案涉及{'、'.join(others)}，请核对名称。"
        raise InvalidInput(told, pointer="/body/disease")


def _considered(
    standing: Sequence[Standing], proposed: Proposed | None, facts: Facts, on: date
) -> list[RuleConsidered]:
    """Rule by rule, in the order in which protocols and rules are asked; one at most decided."""
    decisive = proposed.protocol.id if proposed else None
    return [
        RuleConsidered(
            protocol_id=each.protocol.id,
            rule_index=rule.rule_index,
            priority=rule.rule.priority,
            clause=rule.rule.clause,
            plan=rule.rule.plan,
            decided=rule.decided and each.protocol.id == decisive,
            unmet=list(rule.unmet),
        )
        for each in standing
        for rule in considered(each.document, facts, on)
    ]


def _laid_out(proposed: Proposed, facts: Facts, starts_on: date) -> PlanLaid:
    plan = proposed.decision.plan
    timeline = lay_out(plan, facts, starts_on)
    ends_on = timeline.stages[-1].ends_on if timeline.stages else None
    follow_ups = plan.follow_up_days if ends_on else ()
    return PlanLaid(
        protocol=ProtocolNamed.model_validate(proposed.protocol),
        rule_index=proposed.decision.rule_index,
        clause=proposed.decision.clause,
        code=plan.code,
        name=plan.name,
        proven=timeline.proven,
        already_served=timeline.already_served,
        stages=[_stage(stage) for stage in timeline.stages],
        served=[_stage(stage) for stage in timeline.served],
        follow_ups_on=[(ends_on or starts_on) + timedelta(days=day) for day in follow_ups],
    )


def _stage(stage: LaidStage) -> StageLaid:
    return StageLaid(
        index=stage.index,
        category=stage.category,
        starts_on=stage.starts_on,
        ends_on=stage.ends_on,
        counted_from=stage.counted_from,
        day_index_base=stage.day_index_base,
        credited_days=stage.credited_days,
        tests=[TestDay.model_validate(test) for test in stage.tests()],
        rule=stage.rule,
    )
