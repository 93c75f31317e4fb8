"""Who owes a sample of their own, on the wire."""

from uuid import UUID

from pydantic import ConfigDict, Field

from api.health_records.validity_schemas import OwedRetest


class RetestRead(OwedRetest):
    """A sample that somebody owes on their own, and who it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "test_id": "01890a5d-ac96-774b-bcce-b302099a8071",
                    "because": "pool",
                    "since_at": "2022-02-15T12:10:00Z",
                    "due_at": "2022-02-16T12:10:00Z",
                    "resident_id": "01890a5d-ac96-774b-bcce-b302099a8050",
                    "resident_name": "黄秀英",
                    "grid_id": "01890a5d-ac96-774b-bcce-b302099a8001",
                    "household_id": "01890a5d-ac96-774b-bcce-b302099a8059",
                }
            ]
        }
    )

    resident_id: UUID
    resident_name: str
    grid_id: UUID = Field(description="所在网格")
    household_id: UUID
