"""The newest snapshot written anew with another key, or plain: what it holds stays, only its stamp is new."""

from contextlib import closing
from pathlib import Path

from gtm_platform.keyring import derived, keyring, writing_key
from gtm_platform.lake.file_query import text
from gtm_platform.serving.snapshot.files import key_of, path_of, publishing, stamps
from gtm_platform.serving.snapshot.layout import FORMAT
from gtm_platform.state.sqlite_files import PAGE_BYTES, PURPOSE, cipher, unlock


def rewrite_newest(folder: Path) -> bool:
    """Write the newest snapshot anew with the key that encrypts now; older ones go with that."""
    newest = stamps(folder)[-1:]
    if not newest:
        return False
    old = path_of(folder, newest[0])
    if key_of(old) == writing_key():
        return False
    with publishing(folder, keep=1) as (stamp, draft):
        _copy(old, draft, stamp)
    return True


def _copy(old: Path, draft: Path, stamp: str) -> None:
    ring = keyring()
    with closing(cipher().connect(str(old), isolation_level=None)) as db:
        if key := key_of(old):
            unlock(db, derived(ring.key(key, str(old)), PURPOSE))
        [(version,)] = db.execute("pragma user_version").fetchall()
        if version != FORMAT:
            raise ValueError(f"{old} was written by another version of the platform; make the daily tables again.")
        key = key_of(draft)
        secret = f"x'{derived(ring.key(key, str(draft)), PURPOSE).hex()}'" if key else ""
        db.execute(f'attach {text(str(draft))} as anew key "{secret}"')
        if key:
            db.execute(f"pragma anew.cipher_page_size = {PAGE_BYTES}")
        db.execute("pragma anew.journal_mode = off")
        db.execute("select sqlcipher_export('anew')")
        db.execute("update anew.meta set value = ? where name = 'stamp'", (stamp,))
        db.execute("analyze anew")
        db.execute(f"pragma anew.user_version = {FORMAT}")
        db.execute("detach anew")
