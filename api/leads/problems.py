"""What the room of leads refuses, by name."""

from typing import ClassVar

from api.foundation.problems import Problem


class LeadBatchAlreadyEntered(Problem):
    """The issuer's batch of this number is entered; `batch_id` names it where it is in sight."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该批已登记"
    detail: ClassVar[str] = "该下发单位的这一批次号已登记，请在原批次中补充线索。"
    pointer: ClassVar[str | None] = "/body/batch_number"
    constraints: ClassVar[tuple[str, ...]] = ("uq_lead_batches_number",)


class LeadBatchClosed(Problem):
    """All of the batch has been fed back; nothing is added to it any more."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该批已办结"
    detail: ClassVar[str] = "该批线索已全部反馈，不能再补充线索。"


class LeadBatchDiscarded(Problem):
    """The batch was entered by mistake and has been taken back; it is only read any more."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "该批已作废"
    detail: ClassVar[str] = "该批因登记有误已作废，不能再办理；如需重新登记，请另建批次。"


class LeadDiscarded(Problem):
    """The lead was entered by mistake and has been taken back; it is only read any more."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "线索已作废"
    detail: ClassVar[str] = "该线索因登记有误已作废，不能再办理。"


class LeadsWorkedOn(Problem):
    """What somebody has done is never taken back with a lead; `worked_on` says of how many."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "线索已在核查"
    detail: ClassVar[str] = "已有联系、答复、结论或移交的线索不能作废。"


class LeadHandedHere(Problem):
    """Another township handed it over and has our receipt: taken back, it would be nobody's."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "其他乡镇移交的线索"
    detail: ClassVar[str] = "线索由其他乡镇移交并已给回执，不能作废；不属本辖区的，请作出结论。"


class LeadNotSo(Problem):
    """The lead does not stand where this step begins; `lead_status` says where it stands."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "线索状态不符"
    detail: ClassVar[str] = "该线索已作出结论或已反馈，不能再办理此步骤。"


class LeadNotReady(Problem):
    """The outcome does not hold yet; `lacking` says what has still to be done."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "核查尚不充分"
    detail: ClassVar[str] = "该结论所需的核查尚未完成。"
    pointer: ClassVar[str | None] = "/body/outcome"


class NothingToFeedBack(Problem):
    """Only what was reviewed, or received elsewhere, is fed back, and all of it has been."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "没有可反馈的线索"
    detail: ClassVar[str] = "该批没有已审核、或外地已接收而未反馈的线索。"


class TransferAnswered(Problem):
    """A transfer is answered once."""

    status: ClassVar[int] = 409
    title: ClassVar[str] = "移交已有回执"
    detail: ClassVar[str] = "该次移交已登记回执。"


class GridOutsideBatch(Problem):
    """A lead stays within the grid that received its batch; beyond it is a transfer."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "不在接收范围内"
    detail: ClassVar[str] = "该网格不在接收这批线索的网格之内，不能分派。"


class SheetNotRead(Problem):
    """The uploaded file is no sheet that can be read; the detail says why."""

    status: ClassVar[int] = 422
    title: ClassVar[str] = "表格无法读取"
    detail: ClassVar[str] = "文件不是可以读取的 Excel（.xlsx、.xls）或 CSV 表格。"
    pointer: ClassVar[str | None] = "/body/file"
