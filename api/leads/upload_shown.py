"""What became of an uploaded sheet, row by row; what the cells said is not told again."""

from uuid import UUID

from pydantic import Field

from api.foundation.fields import Wire
from api.foundation.labels import Labelled
from api.leads.models import AssignedBy, Doubled, MatchedBy


class RowOutcome(Labelled):
    """What became of one row of a sheet."""

    created = "created", "已保存"
    unchanged = "unchanged", "此前已保存"
    refused = "refused", "有误，未保存"
    ignored = "ignored", "不是线索，已跳过"


class ColumnRead(Wire):
    """How a column was understood."""

    column: str = Field(description="列，如 C", examples=["C"])
    title: str = Field(description="表头")
    field: str | None = Field(description="对应的字段；null 为不认识，内容并入情况说明")


class CellError(Wire):
    """One cell that does not hold what it must."""

    column: str | None = Field(description="列，如 C；整行的问题为 null", examples=["C"])
    title: str | None = Field(description="表头")
    detail: str = Field(description="中文说明")


class RowRead(Wire):
    """What became of one row."""

    row: int = Field(description="行号，第一行为1")
    outcome: RowOutcome = Field(description="结果")
    errors: list[CellError] = Field(description="有误之处")
    lead_id: UUID | None = Field(description="线索的编号；未保存的为 null")
    resident_id: UUID | None = Field(description="对应的居民")
    matched_how: MatchedBy | None = Field(description="如何对应到居民")
    grid_id: UUID | None = Field(description="分派到的网格；待分派的为接收该批的网格")
    assigned_how: AssignedBy | None = Field(description="如何分派；null 为待人工分派")
    duplicate_of_id: UUID | None = Field(description="与哪一条此前的线索疑似重复")
    duplicate: Doubled | None = Field(description="是否重复")
    same_as_row: int | None = Field(description="与本表哪一行完全相同")


class LeadsUploaded(Wire):
    """What became of a sheet, or, tried out, what would."""

    dry_run: bool = Field(description="true 为试读，什么都没有保存")
    sheet: str = Field(description="读取的工作表")
    other_sheets: list[str] = Field(description="没有读取的工作表，含隐藏的")
    columns: list[ColumnRead] = Field(description="各列如何理解")
    created: int = Field(description="保存的行数")
    unchanged: int = Field(description="此前已保存的行数")
    refused: int = Field(description="有误、未保存的行数")
    ignored: int = Field(description="不是线索、跳过的行数")
    rows: list[RowRead] = Field(description="表头以下有内容的各行")
