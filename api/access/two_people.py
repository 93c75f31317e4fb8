"""What one person does not do alone: who asked for something, or did it, does not also pass it."""

from typing import ClassVar

from api.foundation.problems import Problem


class NeedsAnotherPerson(Problem):
    """The decision is for somebody else than the one it is about; the database holds it too."""

    status: ClassVar[int] = 403
    title: ClassVar[str] = "须由他人办理"
    detail: ClassVar[str] = "此事项须由申请人、经办人以外的人员审批或核实。"
    constraints: ClassVar[tuple[str, ...]] = (
        "ck_alerts_two_people",
        "ck_leads_two_people",
        "ck_leaves_two_people",
        "ck_stage_changes_two_people",
    )
