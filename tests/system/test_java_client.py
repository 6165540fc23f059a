"""Apache CXF as a client: stubs generated from the WSDL that the server hands out; the four transactions with MTOM."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.services.engine import PATIENT_AUTHORITY, REPOSITORY_ID, Engine

_DOCUMENT = "data/cda/BIO-CR-BIO_2024.01_Microbiologie_V1.xml"
_CODED = (
    "classCode",
    "typeCode",
    "formatCode",
    "confidentialityCode",
    "healthcareFacilityTypeCode",
    "practiceSettingCode",
    "contentTypeCode",
)


def test_a_java_client_registers_provides_finds_and_reads_back_with_mtom(
    engine: Engine, shared: Path, tmp_path: Path, say: Callable[[str], None]
) -> None:
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        pytest.skip("Maven and a JDK are needed to build the Java client")
    patient = f"JAVA^^^&{PATIENT_AUTHORITY}&ISO"
    engine.announce(patient)
    document = shared / _DOCUMENT
    settings = {
        "document": str(document),
        "registry.wsdl": f"{engine.registry(plain=True)}?wsdl",
        "repository.wsdl": f"{engine.repository(plain=True)}?wsdl",
        "patient": patient,
        "repositoryUniqueId": REPOSITORY_ID,
        "mimeType": "text/xml",
        "languageCode": "fr-FR",
    }
    settings |= {name: f"{name}-1|1.2.3.4|{name}" for name in _CODED}
    properties = tmp_path / "settings.properties"
    properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    say("Building the Java client (Apache CXF) with Maven")
    command = [
        *("mvn", "--batch-mode", "--quiet", "--file", str(PROJECT / "tests/java/pom.xml")),
        *("compile", "exec:java", f"-Doutput={tmp_path / 'target'}", f"-Dsettings={properties}"),
        *(f"-D{name}={settings[name]}" for name in ("registry.wsdl", "repository.wsdl")),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2400, check=False)
    if done.returncode and "Could not transfer artifact" in done.stdout:
        pytest.skip("Maven cannot reach its repository")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert re.findall(r"OK (ITI-\d+)", done.stdout) == ["ITI-42", "ITI-41", "ITI-18", "ITI-43"]
    assert f"read back {document.stat().st_size} bytes" in done.stdout
