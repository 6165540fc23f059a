"""Identifiers of things that documents refer to (ITI TF-3: Table 4.2.3.1.7-2, CXi)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.datatypes.error import DataTypeError
from schemas.datatypes.hl7 import escape, is_oid, split_components, unescape


@dataclass(frozen=True, slots=True)
class Cxi:
    """An identifier, who assigned it, and what it identifies: `id^^^&OID&ISO^type`.

    The assigning authority is a `namespace`, or a `universal_id` of a `universal_id_type` (ISO: an OID); all are empty
    when the identifier is globally unique. `type_code` is a URN defined by IHE or a local value.
    """

    id: str
    type_code: str
    namespace: str = ""
    universal_id: str = ""
    universal_id_type: str = ""

    @classmethod
    def parse(cls, text: str) -> Cxi:
        """Raises DataTypeError."""
        parts = split_components("CXi", text)
        if not parts[0]:
            raise DataTypeError("CXi", text, "component 1, the identifier, is empty")
        if len(parts) < 5:
            raise DataTypeError("CXi", text, "component 5, the type of the identifier, is missing")
        if len(parts) > 5 or parts[1] or parts[2]:
            raise DataTypeError("CXi", text, "only components 1, 4 and 5 are allowed")
        if "&" in parts[0] or "&" in parts[4]:
            raise DataTypeError("CXi", text, "components 1 and 5 have no subcomponents")
        namespace, universal_id, kind = _authority(text, parts[3])
        return cls(unescape(parts[0]), unescape(parts[4]), namespace, universal_id, kind)

    def __str__(self) -> str:
        authority = "&".join(map(escape, (self.namespace, self.universal_id, self.universal_id_type))).rstrip("&")
        return f"{escape(self.id)}^^^{authority}^{escape(self.type_code)}"


def _authority(text: str, component: str) -> tuple[str, str, str]:
    if not component:
        return "", "", ""
    parts = [unescape(part) for part in component.rstrip("&").split("&")]
    if len(parts) == 1:
        return parts[0], "", ""
    if len(parts) != 3 or not parts[1] or not parts[2]:
        raise DataTypeError("CXi", text, "component 4 must be a namespace or a universal id with its type")
    if parts[2] == "ISO" and not is_oid(parts[1]):
        raise DataTypeError("CXi", text, "a universal id of type ISO must be an OID")
    return parts[0], parts[1], parts[2]
