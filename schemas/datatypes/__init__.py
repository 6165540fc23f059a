"""The data types of XDS metadata and their grammar (ITI TF-3: 4.2.3.1.7).

`T.parse(text)` reads a value and raises DataTypeError; `str(value)` is the text that was read, unchanged.
"""

from schemas.datatypes.hl7 import DataTypeError, components, escape, subcomponents, unescape
from schemas.datatypes.identifiers import Oid, Sha1Hash, UniqueId, Uri, Uuid, is_oid, is_uuid_urn
from schemas.datatypes.ins import InsAuthority, InsC, Nir, check_ins, nir_key
from schemas.datatypes.people import Cx, Cxi, RecipientValue, SourcePatientInfoItem, Xcn, Xon, Xtn
from schemas.datatypes.text import Dtm, LanguageTag, MimeType

__all__ = [
    "Cx",
    "Cxi",
    "DataTypeError",
    "Dtm",
    "InsAuthority",
    "InsC",
    "LanguageTag",
    "MimeType",
    "Nir",
    "Oid",
    "RecipientValue",
    "Sha1Hash",
    "SourcePatientInfoItem",
    "UniqueId",
    "Uri",
    "Uuid",
    "Xcn",
    "Xon",
    "Xtn",
    "check_ins",
    "components",
    "escape",
    "is_oid",
    "is_uuid_urn",
    "nir_key",
    "subcomponents",
    "unescape",
]
