"""The README's curl sequence: submit a report, find it, read it back, replace it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PATIENT = "279035121518989^^^&1.2.250.1.213.1.4.10&ISO"
FIRST = ("BIO-CR-BIO_2024.01_Microbiologie_V1.xml", "1.2.250.1.213.1.1.1.55.2024.8.1")
SECOND = ("BIO-CR-BIO_2024.01_Microbiologie_V2.xml", "1.2.250.1.213.1.1.1.55.2024.8.2")


@dataclass(frozen=True, slots=True)
class Curl:
    """A person at a terminal. `base` is the URL of the server, `options` are more words for curl."""

    base: str
    documents: Path
    options: tuple[str, ...] = ()

    def submit(self, document: tuple[str, str], replaced: str = "") -> str:
        """Provide a document; what the server answers."""
        name, unique_id = document
        provide = self._example("provide", str(self.documents / name), unique_id, *([replaced] if replaced else []))
        return self._post("repository", provide).decode()

    def find(self) -> dict[str, tuple[str, str]]:
        """(status, entryUUID) of the patient's documents by uniqueId."""
        answer = self._post("registry", self._example("find", PATIENT))
        lines = self._example("list", given=answer).decode().splitlines()
        return {unique_id: (status, uuid) for status, uuid, unique_id in map(str.split, lines)}

    def read(self, unique_id: str) -> bytes:
        """The bytes of a document."""
        return self._example("document", given=self._post("repository", self._example("retrieve", unique_id)))

    def read_file(self, document: tuple[str, str]) -> bytes:
        """The bytes that were submitted."""
        return (self.documents / document[0]).read_bytes()

    def _post(self, path: str, request: bytes) -> bytes:
        header = "Content-Type: application/soap+xml"
        command = ["curl", "-sS", *self.options, "-H", header, "--data-binary", "@-", f"{self.base}/{path}"]
        return subprocess.run(command, input=request, capture_output=True, check=True).stdout

    def _example(self, name: str, *words: str, given: bytes = b"") -> bytes:
        command = [PROJECT / "examples" / name, *words]
        return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def walk_through(curl: Curl) -> None:
    """The whole sequence, on a server that does not hold the two reports yet."""
    assert "ResponseStatusType:Success" in curl.submit(FIRST)
    status, first = curl.find()[FIRST[1]]
    assert status == "Approved"
    assert curl.read(FIRST[1]) == curl.read_file(FIRST)

    assert "ResponseStatusType:Success" in curl.submit(SECOND, replaced=first)
    found = curl.find()
    assert found[FIRST[1]] == ("Deprecated", first)
    assert found[SECOND[1]][0] == "Approved"
    assert curl.read(SECOND[1]) == curl.read_file(SECOND)
    assert curl.read(FIRST[1]) == curl.read_file(FIRST)
