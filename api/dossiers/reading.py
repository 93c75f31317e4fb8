"""Reading a file: what the reader may see of it, and that they have seen it (M6.6)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access.audit import audit
from api.access.permissions import permitted
from api.access.tokens import Claims
from api.dossiers.chapter import EntryKind
from api.dossiers.chapters import CHAPTERS
from api.dossiers.schemas import Dossier, DossierEntry
from api.dossiers.timeline import Span, readable, timeline
from api.foundation.pages import PageRequest
from api.registry.masked import masked_resident
from api.registry.queries import resident_of


async def read_file(
    session: AsyncSession,
    caller: Claims,
    resident_id: UUID,
    page: PageRequest,
    *,
    span: Span,
    kinds: Collection[EntryKind],
) -> Dossier:
    """One page of a person's timeline; raises `NotFound`, `InvalidInput` for a strange cursor."""
    resident = await resident_of(session, resident_id)
    wanted = set(kinds) or set(EntryKind)
    told = readable(permitted(caller.role, caller.level))
    chapters = [chapter for chapter in told if chapter.kind in wanted]
    entries, after = await timeline(session, resident, chapters, page, span=span)
    audit(session, caller, "dossiers.read", subject=resident.id, reach=resident.reach)
    seen = {chapter.kind for chapter in told}
    return Dossier(
        resident=masked_resident(session, resident),
        withheld=[each.kind for each in CHAPTERS if each.kind in wanted - seen],
        items=[DossierEntry.model_validate(entry) for entry in entries],
        next_cursor=after,
    )
