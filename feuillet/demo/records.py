"""The records of the demo's patients: the demo's doctor is their médecin traitant, and the hospital is authorised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from dmp.authorisations import Holder, HolderKind
from dmp.authorisations.granting import declare_treating_doctor, grant
from dmp.errors import DmpError
from dmp.records import Author, Consent, ConsentCode, Sheet, Traits, VitaleReading
from dmp.records.changes import open_record
from dmp.records.find import find_record
from feuillet.composition import open_engine
from feuillet.demo.clinical_document import ClinicalDocument
from feuillet.demo.identities import DOCTOR, HOSPITAL
from feuillet.law.rules import record_rules
from feuillet.settings import Sections
from xds_registry.database import writing

_DOCTOR: Final = Author(national_id=DOCTOR, name="DOC0021889 KIT", structure_id=HOSPITAL, profession="10")
_HOSPITAL: Final = Author(national_id=f"3{HOSPITAL[1:]}/demo", name="Hôpital de démonstration", structure_id=HOSPITAL)
#: Where a document does not tell when its patient was born.
_SOME_DAY: Final = "19700101"


def open_record_of(settings: Sections, document: ClinicalDocument) -> bool:
    """Open the record of a document's patient, unless it is there; False where the patient cannot have one."""
    patient, at = str(document.patient), datetime.now(UTC)
    family, given = document.family_and_given_name
    born = document.birth_date or _SOME_DAY
    rules = record_rules(settings.record)(at)
    engine = open_engine(settings)
    try:
        with writing(engine) as connection:
            if find_record(connection, patient) is not None:
                return True
            record = open_record(
                connection,
                patient,
                Sheet(traits=Traits(birth_name=family or "DEMO", first_names=(given or "PATIENT",), birth_date=born)),
                reading=VitaleReading(patient=patient, birth_date=born, read_at=at, is_holder=True),
                consents=[Consent(ConsentCode.OPENING, True, at, _DOCTOR)],
                by=_DOCTOR,
                at=at,
                rules=rules,
            )
            doctor = Holder(kind=HolderKind.PERSON, identifier=DOCTOR, family_name="DOC0021889", profession="10")
            declare_treating_doctor(connection, record.pk, doctor, by=_DOCTOR, at=at, rules=rules)
            hospital = Holder(kind=HolderKind.STRUCTURE, identifier=HOSPITAL, family_name=_HOSPITAL.name)
            grant(connection, record.pk, hospital, by=_HOSPITAL, at=at, rules=rules)
    except DmpError:
        return False
    finally:
        engine.dispose()
    return True
