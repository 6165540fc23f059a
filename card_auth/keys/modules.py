"""PKCS#11 modules: found, loaded once, asked for their tokens; their errors in the words of `card_auth.errors`."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from card_auth import errors

# where the usual modules are installed: the national one first, then the open one
USUAL_MODULES: Final = {
    "win32": (
        r"C:\Windows\System32\cps3_pkcs11_w64.dll",
        r"C:\Windows\System32\cps3_pkcs11_w32.dll",
        r"C:\Program Files\OpenSC Project\OpenSC\pkcs11\opensc-pkcs11.dll",
    ),
    "darwin": (
        "/usr/local/lib/libcps3_pkcs11_osx.dylib",
        "/Library/OpenSC/lib/opensc-pkcs11.so",
    ),
    "linux": (
        "/usr/lib/libcps3_pkcs11_lux.so",
        "/usr/lib64/libcps3_pkcs11_lux.so",
        "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
        "/usr/lib64/opensc-pkcs11.so",
        "/usr/lib/opensc-pkcs11.so",
    ),
}


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A token as its module shows it before anybody enters a PIN."""

    module: Path
    slot: int  # the module's slot identifier
    reader: str  # the slot's description
    label: str
    serial: str
    manufacturer: str
    model: str
    pin_set: bool
    pin_pad: bool  # the PIN is entered on the reader
    tries_left: int | None  # 0 blocked, 1 the last, 2 when one was spent; None when the token tells of none spent
    mechanisms: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Module:
    """A loaded module. One program speaks to it with one voice: hold `lock` during every call."""

    path: Path
    description: str
    version: str
    library: Any = field(repr=False)  # pkcs11.lib
    lock: threading.RLock = field(repr=False)


_loaded: dict[str, Module] = {}
_loading: Final = threading.Lock()


def library() -> Any:
    """The package python-pkcs11. Raises SupportMissing."""
    try:
        return importlib.import_module("pkcs11")
    except ImportError:
        raise errors.SupportMissing from None


def installed_modules() -> tuple[Path, ...]:
    """Those of the usual modules that are on this computer."""
    return tuple(path for path in map(Path, USUAL_MODULES.get(sys.platform, ())) if path.is_file())


def load_module(path: Path) -> Module:
    """Load a module, once per program. Raises SupportMissing, ModuleMissing, ModuleFailed."""
    pkcs11 = library()
    if not path.is_file():
        raise errors.ModuleMissing(f"There is no PKCS#11 module at {path}.")
    with _loading:
        known = _loaded.get(str(path))
        if known is None:
            try:
                loaded = pkcs11.lib(str(path))
            except (pkcs11.PKCS11Error, OSError):
                raise errors.ModuleFailed(f"The PKCS#11 module {path.name} could not be loaded.") from None
            version = ".".join(map(str, loaded.library_version))
            known = Module(path, loaded.library_description.strip(), version, loaded, threading.RLock())
            _loaded[str(path)] = known
        return known


def list_tokens(path: Path) -> tuple[TokenInfo, ...]:
    """The tokens that a module shows now, without a PIN. Raises SupportMissing, ModuleMissing, ModuleFailed."""
    module = load_module(path)
    with module.lock, translated(path):
        return tuple(describe(path, token) for token in module.library.get_tokens() if _is_initialised(token))


def describe(path: Path, token: Any) -> TokenInfo:
    """What a token says of itself. Raises PKCS11Error."""
    flags = library().TokenFlag
    serial = token.serial
    return TokenInfo(
        module=path,
        slot=token.slot.slot_id,
        reader=token.slot.slot_description.strip(),
        label=token.label.strip(),
        serial=(serial.decode("latin-1") if isinstance(serial, bytes) else str(serial)).strip("\0 "),
        manufacturer=token.manufacturer_id.strip(),
        model=token.model.strip(),
        pin_set=bool(token.flags & flags.USER_PIN_INITIALIZED),
        pin_pad=bool(token.flags & flags.PROTECTED_AUTHENTICATION_PATH),
        tries_left=tries_left(int(token.flags)),
        mechanisms=frozenset(getattr(one, "name", str(one)) for one in token.slot.get_mechanisms()),
    )


def tries_left(flags: int) -> int | None:
    """How many tries a token's flags leave, on cards that block at the third wrong PIN (PKCS#11: CK_TOKEN_INFO)."""
    if flags & 0x00040000:  # CKF_USER_PIN_LOCKED
        return 0
    if flags & 0x00020000:  # CKF_USER_PIN_FINAL_TRY
        return 1
    if flags & 0x00010000:  # CKF_USER_PIN_COUNT_LOW: wrong once at least since the last right one
        return 2
    return None


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the errors of python-pkcs11 into ours. PIN errors lose what the exception may have kept of the call."""
    pkcs11 = library()
    try:
        yield
    except (pkcs11.DeviceRemoved, pkcs11.TokenNotPresent, pkcs11.SessionHandleInvalid, pkcs11.SessionClosed):
        raise errors.CardPulledOut from None
    except pkcs11.PinLocked:
        raise errors.PinBlocked from None
    except pkcs11.PinIncorrect:
        raise errors.PinIncorrect from None
    except (pkcs11.PinInvalid, pkcs11.PinLenRange):
        raise errors.PinMalformed from None
    except pkcs11.UserNotLoggedIn:
        raise errors.PinMissing from None
    except pkcs11.UserPinNotInitialized:
        raise errors.PinMissing("The token has no PIN yet: its issuer or software must set one.") from None
    except (pkcs11.UserAlreadyLoggedIn, pkcs11.AnotherUserAlreadyLoggedIn):
        raise errors.TokenBusy from None
    except pkcs11.PKCS11Error as error:
        raise errors.ModuleFailed(f"The PKCS#11 module {path.name} answered {type(error).__name__}.") from None


def _is_initialised(token: Any) -> bool:
    return bool(token.flags & library().TokenFlag.TOKEN_INITIALIZED)
