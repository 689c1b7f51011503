"""The one module that loads libmagic, lazily, and leaves no trace of having done so.

The order: python-magic with the system's library; only if that is missing, the library inside the
``pylibmagic`` wheel; else "not available", which is no error: the type is then told by structure only.

Importing ``pylibmagic`` rewrites search paths in the environment and replaces ``ctypes.CDLL.__init__``
for the whole process and its children. Both are put back, so that nothing else that this process loads
or starts is led to another library by us.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from typing import Any, Protocol

_REWRITTEN = ("LD_LIBRARY_PATH", "LIBRARY_PATH", "DYLD_LIBRARY_PATH", "MAGIC")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,63}")


class _Magic(Protocol):
    def from_buffer(self, buf: bytes) -> str: ...


_lock = threading.Lock()
_tried = False
_loaded: tuple[_Magic, str] | None = None


def media_type_of(head: bytes) -> tuple[str, str] | None:
    """The media type that libmagic gives the first bytes of a file, and libmagic's version ("5.45").

    None where libmagic is not available, fails on these bytes, or answers with something that is not
    a media type. Costs up to 2 ms for text, so callers ask their own table first.
    """
    loaded = _load()
    if loaded is None:
        return None
    magic, version = loaded
    try:
        answer = magic.from_buffer(head)
    except Exception:  # noqa: BLE001 - its error type exists only once it is loaded; a type is advice, not proof
        return None
    answer = answer.strip().lower()
    return (answer, version) if _MEDIA_TYPE.fullmatch(answer) else None


def version() -> str | None:
    """The version of the libmagic in use, such as "5.45", or None where there is none."""
    loaded = _load()
    return None if loaded is None else loaded[1]


def _load() -> tuple[_Magic, str] | None:
    global _tried, _loaded
    with _lock:
        if not _tried:
            _tried = True
            _loaded = _find()
    return _loaded


def _find() -> tuple[_Magic, str] | None:
    if sys.platform in ("win32", "cygwin"):
        # python-magic's loader there tries "./libmagic.dll" first: whoever put a file of that name
        # among the evidence would have its code run by us.
        return None
    return _open(None) or _open_bundled()


def _open(database: str | None) -> tuple[_Magic, str] | None:
    try:
        import magic

        untyped: Any = magic
        number = int(untyped.version())
        opened: _Magic = untyped.Magic(mime=True, magic_file=database)
    except Exception:  # noqa: BLE001 - ImportError, OSError, MagicException, NotImplementedError: all mean "not here"
        # A half-imported module must not stop the second try.
        for name in [name for name in sys.modules if name == "magic" or name.startswith("magic.")]:
            del sys.modules[name]
        return None
    return opened, f"{number // 100}.{number % 100:02d}"


def _open_bundled() -> tuple[_Magic, str] | None:
    environment = {name: os.environ.get(name) for name in _REWRITTEN}
    original = ctypes.CDLL.__init__
    try:
        try:
            import pylibmagic
        except Exception:  # noqa: BLE001 - not installed, or "not supported yet" on this platform
            return None
        return _open(str(pylibmagic.data.joinpath("magic.mgc")))
    finally:
        setattr(ctypes.CDLL, "__init__", original)  # noqa: B010 - mypy forbids assigning to a method
        if "__init_orig__" in vars(ctypes.CDLL):
            delattr(ctypes.CDLL, "__init_orig__")
        for name, value in environment.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
