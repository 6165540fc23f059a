"""The functional rights as they are published, written out once more: the tests hold the product's matrix against it.

One line an action; the columns are PSn PSr PSb, Dn Dr Db, MW, Tn Tb, CPE, ESn ESr: professional, doctor, occupational
doctor, médecin traitant, holder of a CPE, structure; n normal, r regulation centre, b break-glass. A number is a "yes"
with the condition of that footnote.
"""

from __future__ import annotations

from typing import Final

COLUMNS: Final = ("PSn", "PSr", "PSb", "Dn", "Dr", "Db", "MW", "Tn", "Tb", "CPE", "ESn", "ESr")

PUBLISHED: Final = {
    "TD0.2": "ooo ooo o oo o oo",
    "TD0.3-add": "onn onn n on 1 nn",
    "TD0.3-drop": "onn onn n on n nn",
    "TD0.3-treating-drop": "nnn nnn n on n nn",
    "TD0.4": "ooo ooo o oo 2 3n",
    "TD0.5": "non non n nn n no",
    "TD0.9": "ooo ooo o oo o nn",
    "TD1.3a": "ooo ooo o oo o oo",
    "TD1.6": "onn onn n on n nn",
    "TD2.1": "ooo ooo o oo n 44",
    "TD2.2": "nnn nnn n nn 4 nn",
    "TD3.1": "ooo ooo o oo n nn",
    "TD3.1-reference": "ooo ooo o oo 5 55",
    "TD3.2": "ooo ooo n oo n nn",
    "TD3.2-masked": "677 677 n o7 n nn",
    "TD3.3a-mask": "onn onn o on n nn",
    "TD3.3a-unmask": "8nn 8nn 8 on n nn",
    "TD3.3b": "onn onn n on n nn",
    "TD3.3d": "8nn 8oo 8 oo n nn",
    "TD3.3c": "888 888 8 88 9 99",
}
#: What the footnotes make of a "yes", in the words of the product's matrix.
FOOTNOTES: Final = {
    "o": ("yes",),
    "n": ("no",),
    "1": ("granted",),
    "2": ("colleagues",),
    "3": ("recent",),
    "4": ("granted",),
    "5": ("structure",),
    "6": ("own",),
    "7": ("permitted",),
    "8": ("own",),
    "9": ("structure",),
}
#: "*" of the rows 3.3c and 3.3d: a document that the patient wrote is archived and deleted by médecin traitant or
#: patient only, so that their "yes" and "own" read differently there.
OF_PATIENT: Final = {
    ("TD3.3c", "Tn"): "patient",
    ("TD3.3c", "Tb"): "patient",
    ("TD3.3d", "Dr"): "others",
    ("TD3.3d", "Db"): "others",
}


def cells() -> list[tuple[str, str, str]]:
    """Action, column and cell, as published."""
    found = []
    for action, line in PUBLISHED.items():
        for column, symbol in zip(COLUMNS, line.replace(" ", ""), strict=True):
            found.append((action, column, OF_PATIENT.get((action, column), FOOTNOTES[symbol][0])))
    return found
