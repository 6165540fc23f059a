"""What the computer runs, and whether Feuillet is made for it."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from card_auth.errors import CardError, SupportMissing
from card_auth.keys import modules
from card_auth.workstation.findings import Finding, Subject, Verdict

PYTHONS: Final = ((3, 11), (3, 12))
_OLDEST_OPENSSL: Final = (3, 0, 0)  # 1.1.1 has had no corrections since 2023-09
_OLDEST_WINDOWS: Final = 10
_OLDEST_MACOS: Final = 12
_CARD_PACKAGES: Final = {"pyscard": "smartcard", "python-pkcs11": "pkcs11"}
_PCSCD_PLACES: Final = ("/usr/sbin/pcscd", "/usr/local/sbin/pcscd")
_PACKAGES: Final = ("feuillet", "cryptography", "pyscard", "python-pkcs11")


def check_system() -> Iterator[Finding]:
    """The operating system and the Python that Feuillet runs on."""
    bits = 64 if sys.maxsize > 2**32 else 32
    detail = f"{_system()}, {platform.machine() or 'unknown processor'}, {bits} bits"
    if unsupported := _unsupported_system():
        remedy = "Bring the system up to date: cards' software and browsers no longer support this one."
        yield Finding(Subject.SYSTEM, Verdict.WARN, f"{detail}: {unsupported}.", remedy)
    else:
        yield Finding(Subject.SYSTEM, Verdict.PASS, f"{detail}.")


def check_card_support() -> Iterator[Finding]:
    """Whether the libraries for readers and tokens are there. Raises SupportMissing."""
    missing = [package for package, module in _CARD_PACKAGES.items() if not _can_import(module)]
    if missing:
        raise SupportMissing(f"Feuillet is installed without support for cards: {' and '.join(missing)} missing.")
    yield Finding(Subject.CARD_SUPPORT, Verdict.PASS, "The libraries for readers and tokens are installed.")


def check_versions(module: Path | None) -> Iterator[Finding]:
    """Every component's version, one finding each, so that a report says all that a support desk asks for."""
    yield python_version(sys.version_info[:2])
    yield openssl_version(ssl.OPENSSL_VERSION, ssl.OPENSSL_VERSION_INFO[:3])
    for package in _PACKAGES:
        version = _installed(package)
        if version is None:
            yield _absent(package)
        else:
            yield Finding(Subject.VERSIONS, Verdict.PASS, version, about=package)
    if sys.platform.startswith("linux"):
        version = _pcscd()
        yield (
            Finding(Subject.VERSIONS, Verdict.PASS, version, about="pcscd")
            if version
            else Finding(Subject.VERSIONS, Verdict.NOT_APPLICABLE, "not installed here", about="pcscd")
        )
    try:
        loaded = modules.load_module(module) if module else None
    except CardError:
        return  # said by its own check
    if loaded:
        detail = f"{loaded.version} ({loaded.description})"
        yield Finding(Subject.VERSIONS, Verdict.PASS, detail, about=loaded.path.name)


def python_version(version: tuple[int, ...]) -> Finding:
    """Whether Feuillet is made for this Python."""
    text = ".".join(map(str, version))
    if version in PYTHONS:
        return Finding(Subject.VERSIONS, Verdict.PASS, text, about="Python")
    supported = " and ".join(".".join(map(str, one)) for one in PYTHONS)
    remedy = f"Install Feuillet with Python {supported}."
    return Finding(Subject.VERSIONS, Verdict.WARN, f"{text}: not supported ({supported} are).", remedy, about="Python")


def openssl_version(text: str, version: tuple[int, ...]) -> Finding:
    """Whether the TLS library is still corrected by those who make it."""
    if version >= _OLDEST_OPENSSL:
        return Finding(Subject.VERSIONS, Verdict.PASS, text, about="OpenSSL")
    remedy = "Use a Python that is built with OpenSSL 3."
    return Finding(Subject.VERSIONS, Verdict.WARN, f"{text}: no longer maintained.", remedy, about="OpenSSL")


def _absent(package: str) -> Finding:
    if package in _CARD_PACKAGES:
        return Finding(Subject.VERSIONS, Verdict.NOT_APPLICABLE, "not installed", about=package)
    return Finding(Subject.VERSIONS, Verdict.WARN, "version unknown", "Install it as a package.", about=package)


def _system() -> str:
    if sys.platform.startswith("linux"):
        try:
            return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
        except OSError:
            return f"Linux {platform.release()}"
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()} {platform.version()}"


def _unsupported_system() -> str:
    """Why this system is not supported; empty when it is."""
    if sys.platform == "win32":
        release = platform.release()
        return "" if not release.isdecimal() or int(release) >= _OLDEST_WINDOWS else "older than Windows 10"
    if sys.platform == "darwin":
        major = platform.mac_ver()[0].partition(".")[0]
        return "" if not major.isdecimal() or int(major) >= _OLDEST_MACOS else "older than macOS 12"
    return "" if sys.platform.startswith("linux") else "not one that Feuillet is tested on"


def _can_import(module: str) -> bool:
    try:
        __import__(module)
    except ImportError:
        return False
    return True


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _pcscd() -> str | None:
    """What `pcscd --version` says; None where it is not installed (a container may reach the host's)."""
    program = shutil.which("pcscd") or next((place for place in _PCSCD_PLACES if Path(place).exists()), None)
    if program is None:
        return None
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"version (\d+(?:\.\w+)*)", said.stdout)
    return match[1] if match else None
