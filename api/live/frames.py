"""A stream's bytes (server-sent events): made once for all who hear the same."""

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from api.live.marks import Mark
from api.live.queries import News

_COME_BACK_MS = 2000

KEEP_ALIVE: bytes = KEEPALIVE_COMMENT
POSTING_CHANGED: bytes = format_sse_event(event="posting-changed", data_str="{}")


def told(news: News, mark: Mark) -> bytes:
    """An event, and the mark after it."""
    kind, said = news.read.kind.value, news.read.model_dump_json()
    return format_sse_event(event=kind, data_str=said, id=str(mark))


def begun(mark: Mark) -> bytes:
    """The first words where nothing was missed: from here on, the listener can come back."""
    return format_sse_event(comment="listening", id=str(mark), retry=_COME_BACK_MS)


def resync(mark: Mark) -> bytes:
    """What was missed is no longer known: read everything anew, and listen from this mark on."""
    return format_sse_event(event="resync", data_str="{}", id=str(mark), retry=_COME_BACK_MS)
