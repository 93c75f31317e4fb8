"""Whether the keys that were set are those of this database, before anything is done with them.

A sealing key that is not there shows itself at the first reading; another look-up key never does:
everybody is found by no number and no phone any more, and registered once more beside themselves.
"""

import hmac
from typing import Any

from api.foundation import clock
from api.foundation.database import Connection
from api.foundation.sealed import Keyring, SealBroken

_CONTEXT = "keyring_marks"
_KNOWN = "onegrid"


class NotTheseKeys(RuntimeError):
    """The keys are not those that this database was written with; the message names which."""


async def check_keyring(connection: Connection, keyring: Keyring) -> None:
    """Refuse keys that are not those of this database; the first ones ever seen are its own.

    A database from before there were marks is known by the key that signs its tokens. Raises
    `NotTheseKeys`.
    """
    row = await connection.fetchrow(_MARK)
    if row is None:
        _refuse_unopened(
            keyring, await connection.fetchval(_SIGNER), context="signing_keys.private"
        )
        sealed = keyring.seal(_KNOWN, context=_CONTEXT)
        await connection.execute(_KEEP, sealed, _looked_up(keyring), clock.now())
        row = await connection.fetchrow(_MARK)
    assert row is not None  # noqa: S101 - kept just now, or by another process
    _refuse_other(keyring, row)


_MARK = "SELECT sealed, looked_up FROM public.keyring_marks"
_SIGNER = "SELECT private_sealed FROM public.signing_keys ORDER BY signs_from LIMIT 1"
_KEEP = """
    INSERT INTO public.keyring_marks (id, sealed, looked_up, made_at) VALUES (1, $1, $2, $3)
    ON CONFLICT (id) DO NOTHING
"""


def _refuse_other(keyring: Keyring, mark: Any) -> None:
    _refuse_unopened(keyring, mark["sealed"], context=_CONTEXT)
    if not hmac.compare_digest(mark["looked_up"], _looked_up(keyring)):
        raise NotTheseKeys(
            "ONEGRID_LOOKUP_KEY is not that of this database: nobody would be found by number or "
            "phone, and everybody be registered twice. Set the one it was begun with."
        )


def _refuse_unopened(keyring: Keyring, sealed: bytes | None, *, context: str) -> None:
    if sealed is None:
        return
    try:
        keyring.open(sealed, context=context)
    except SealBroken as error:
        raise NotTheseKeys(
            f"ONEGRID_SEALING_KEYS are not those of this database: {error}. Former keys stay "
            "behind the current one, as long as the data."
        ) from None


def _looked_up(keyring: Keyring) -> bytes:
    return keyring.lookup(_KNOWN, context=_CONTEXT)
