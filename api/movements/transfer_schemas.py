"""What is told of transfers at each step, and what is shown: places masked."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from api.foundation.field_records import FromTheField
from api.foundation.fields import Celsius, Input, Instant, LongText, Name, RecordId, ShortText, Wire
from api.foundation.records import Source
from api.movements.models import TransferKind, TransferStatus, VehicleKind
from api.protocols.symptoms import Symptom, Symptoms


def _plate(text: str) -> str:
    return text.replace(" ", "").upper()


Plate = Annotated[
    ShortText, AfterValidator(_plate), Field(description="车牌号", examples=["桂F12345"])
]
DoneBy = Annotated[
    RecordId | None, Field(description="实际办理的人；不填则为登录人本人（代为录入时填写）")
]


class TransferRequest(FromTheField):
    """Somebody is to be brought elsewhere."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8301",
                    "kind": "to_site",
                    "reason": "家中没有独立卫生间，转集中隔离",
                    "destination": "县职校集中隔离点",
                    "due_at": "2022-02-08T18:00:00+08:00",
                }
            ]
        }
    )

    kind: Annotated[TransferKind, Field(description="转运类别")]
    reason: Annotated[LongText, Field(description="理由，加密保存")]
    pickup: Annotated[ShortText | None, Field(description="接送地点；不填为隔离地点")] = None
    destination: Annotated[ShortText, Field(description="送往何处，加密保存")]
    due_at: Annotated[
        Instant | None, Field(description="应在何时以前送到；不填为申请后 8 小时")
    ] = None


class TransferDispatch(Input):
    """Which vehicle goes; sent again with another one, that one goes instead."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "vehicle": "dedicated",
                    "plate": "桂F12345",
                    "driver": "黄师傅",
                    "escort": "何医生",
                }
            ]
        }
    )

    vehicle: Annotated[VehicleKind, Field(description="车辆")]
    plate: Plate
    driver: Annotated[Name, Field(description="驾驶员")]
    escort: Annotated[Name | None, Field(description="护送人员")] = None
    dispatched_at: Annotated[Instant | None, Field(description="何时派车；不填为现在")] = None


class TransferPickUp(Input):
    """Checked before the ride: temperature and symptoms (domain 3.8)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"check_c": 36.6, "check_symptoms": []}]}
    )

    check_c: Annotated[Celsius, Field(description="上车前的体温，摄氏度")]
    check_symptoms: Symptoms = Field(default_factory=list[Symptom])
    picked_up_at: Annotated[Instant | None, Field(description="何时上车；不填为现在")] = None
    picked_up_by: DoneBy = None


class TransferHandOver(Input):
    """Signed for at both ends: who hands over, who takes over, and when."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"taken_over_by": "隔离点覃护士"}]})

    taken_over_by: Annotated[Name, Field(description="接收人")]
    handed_over_at: Annotated[Instant | None, Field(description="何时交出；不填为现在")] = None
    taken_over_at: Annotated[Instant | None, Field(description="何时接收；不填为交出的时间")] = None
    handed_over_by: DoneBy = None


class TransferTurnBack(Input):
    """Why a ride did not get there, and when whoever was on it was back where they were fetched."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "隔离点床位已满，送回家中"}]}
    )

    reason: Annotated[ShortText, Field(description="折返的理由，将被记录")]
    turned_back_at: Annotated[Instant | None, Field(description="何时送回；不填为现在")] = None
    turned_back_by: DoneBy = None


class TransferClose(Input):
    """The vehicle was disinfected after its run; the order is done."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"disinfected_at": "2022-02-08T16:40:00+08:00"}]}
    )

    disinfected_at: Annotated[Instant | None, Field(description="何时消毒；不填为现在")] = None


class TransferCancel(Input):
    """Why nobody is brought."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "复测正常，不再转运"}]})

    reason: Annotated[ShortText, Field(description="取消的理由，将被记录")]


class TransferReveal(Input):
    """Why the plain addresses are needed; the reason is kept on record (M6.6)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "司机上门接人"}]})

    reason: Annotated[LongText, Field(min_length=4, description="查看原因，至少4个字，将被记录")]


class TransferRead(Wire):
    """A transfer order and how far it has come."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01890a5d-ac96-774b-bcce-b302099a8301",
                    "version": 4,
                    "quarantine_id": "01890a5d-ac96-774b-bcce-b302099a8058",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                    "resident_name": "黄秀英",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "kind": "to_site",
                    "status": "picked_up",
                    "reason": "家中没有独立卫生间，转集中隔离",
                    "destination": "县职校***",
                    "due_at": "2022-02-08T10:00:00Z",
                    "approved_at": "2022-02-08T02:10:00Z",
                    "approved_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "dispatched_at": "2022-02-08T02:30:00Z",
                    "dispatched_by": "01890a5d-ac96-774b-bcce-b302099a8003",
                    "vehicle": "dedicated",
                    "plate": "桂F12345",
                    "driver": "农建国",
                    "picked_up_at": "2022-02-08T03:40:00Z",
                    "picked_up_by": "01890a5d-ac96-774b-bcce-b302099a8004",
                    "check_c": 36.5,
                    "check_symptoms": [],
                    "recorded_at": "2022-02-08T02:00:00Z",
                    "received_at": "2022-02-08T02:00:03Z",
                    "performed_by": "01890a5d-ac96-774b-bcce-b302099a8004",
                    "entered_by": "01890a5d-ac96-774b-bcce-b302099a8004",
                    "source": "visit",
                }
            ]
        }
    )

    id: UUID = Field(description="编号")
    version: int = Field(description="版本号")
    quarantine_id: UUID = Field(description="所属隔离")
    resident_id: UUID = Field(description="被转运的居民")
    resident_name: str = Field(description="姓名")
    grid_id: UUID = Field(description="所在网格")
    kind: TransferKind
    status: TransferStatus
    reason: str = Field(description="理由")
    pickup: str | None = Field(description="脱敏的接送地点；null 为隔离地点")
    destination: str = Field(description="脱敏的送往地点")
    due_at: datetime = Field(description="应在何时以前送到")
    approved_at: datetime | None = Field(description="何时批准")
    approved_by: UUID | None = Field(description="由谁批准")
    dispatched_at: datetime | None = Field(description="何时派车")
    dispatched_by: UUID | None = Field(description="由谁派车")
    vehicle: VehicleKind | None = Field(description="车辆")
    plate: str | None = Field(description="车牌号")
    driver: str | None = Field(description="驾驶员")
    escort: str | None = Field(description="护送人员")
    picked_up_at: datetime | None = Field(description="何时上车")
    picked_up_by: UUID | None = Field(description="由谁接上车")
    check_c: float | None = Field(description="上车前的体温，摄氏度")
    check_symptoms: list[Symptom] = Field(description="上车前的症状")
    handed_over_at: datetime | None = Field(description="何时交出")
    handed_over_by: UUID | None = Field(description="由谁交出")
    taken_over_at: datetime | None = Field(description="何时接收")
    taken_over_by: str | None = Field(description="接收人")
    turned_back_at: datetime | None = Field(description="折返的，何时送回")
    turned_back_by: UUID | None = Field(description="由谁送回")
    turned_back_reason: str | None = Field(description="折返的理由")
    disinfected_at: datetime | None = Field(description="何时消毒")
    closed_at: datetime | None = Field(description="何时办结")
    cancelled_at: datetime | None = Field(description="何时取消")
    cancelled_reason: str | None = Field(description="取消的理由")
    recorded_at: datetime = Field(description="手机上记下的时间")
    received_at: datetime = Field(description="服务收到的时间")
    performed_by: UUID = Field(description="申请人")
    entered_by: UUID = Field(description="录入的人")
    source: Source


class TransferRevealed(Wire):
    """The plain addresses of a transfer."""

    id: UUID = Field(description="编号")
    pickup: str | None = Field(description="接送地点全文；null 为隔离地点")
    destination: str = Field(description="送往地点全文")
