"""Which records are about a person, and how each is found by them."""

from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from api.alerts.models import Alert
from api.arrivals.models import Arrival
from api.care.errand_models import Errand
from api.care.models import CareCall
from api.checkpoints.models import Pass
from api.foundation.records import Versioned, table_of
from api.health_records.models import DiagnosticTest, HealthCodeState, TravelCard, Vaccination
from api.leads.models import Lead
from api.leads.verification_models import LeadAnswer, LeadAttempt
from api.movements.models import HospitalReferral, Leave, Transfer
from api.quarantines.models import Quarantine, Whereabouts
from api.quarantines.stage_models import QuarantineStage, SiteCheck, StageChange
from api.readings.models import NotTaken, Reading
from api.releases.models import Release
from api.sites.models import HomeSampling

KEPT: tuple[type[Versioned], ...] = (
    Arrival,
    DiagnosticTest,
    HealthCodeState,
    TravelCard,
    Vaccination,
    HomeSampling,
    Lead,
    LeadAttempt,
    LeadAnswer,
    Pass,
    Quarantine,
    QuarantineStage,
    StageChange,
    Whereabouts,
    SiteCheck,
    Transfer,
    HospitalReferral,
    Leave,
    Release,
    Reading,
    NotTaken,
    Alert,
    CareCall,
    Errand,
)
"""Everything that is kept of one person beside the register itself."""


def about(kind: type[Versioned], resident: UUID) -> ColumnElement[bool]:
    """The rows of a table that are about somebody: by name, by their quarantine or their lead."""
    columns = table_of(kind).columns
    for name in ("resident_id", "person_id"):
        if name in columns:
            return columns[name] == resident
    if "lead_id" in columns:
        own = select(col(Lead.id)).where(col(Lead.resident_id) == resident)
        return columns["lead_id"].in_(own)
    own = select(col(Quarantine.id)).where(col(Quarantine.resident_id) == resident)
    return columns["quarantine_id"].in_(own)
