"""What somebody may want to do with a record: the rows of the functional matrix.

The names of transactions (TD) are those of the DMP's integration guide; what has none there has a word of ours.
"""

from __future__ import annotations

import enum
from typing import Final


class Action(enum.StrEnum):
    """One row of the functional matrix; the value is its name in `matrix.toml` and in the audit trail."""

    TEST_EXISTENCE = "TD0.2"
    AUTHORISE_SELF = "TD0.3-add"
    DROP_OWN_AUTHORISATION = "TD0.3-drop"
    DECLARE_TREATING_DOCTOR = "TD0.3-treating-add"
    DROP_TREATING_DOCTOR = "TD0.3-treating-drop"
    LIST_RECORDS = "TD0.4"
    SEARCH_PATIENTS = "TD0.5"
    OPEN_PORTAL = "TD0.9"
    CREATE = "TD1.1"
    REACTIVATE = "TD1.2"
    READ_ADMINISTRATIVE = "TD1.3a"
    AMEND_ADMINISTRATIVE = "TD1.3b"
    CLOSE = "TD1.4"
    MANAGE_ACCOUNT = "TD1.5"
    LIST_AUTHORISED = "TD1.6"
    FEED = "TD2.1"
    FEED_AS_EMPLOYEE = "TD2.2"
    SEARCH = "TD3.1"
    LOOK_UP_REFERENCE = "TD3.1-reference"
    READ = "TD3.2"
    READ_MASKED = "TD3.2-masked"
    MASK = "TD3.3a-mask"
    UNMASK = "TD3.3a-unmask"
    MAKE_VISIBLE = "TD3.3b"
    DELETE = "TD3.3c"
    ARCHIVE = "TD3.3d"
    REPLACE = "replace"
    RECLASSIFY = "reclassify"
    BLOCK = "block"
    MANAGE_AUTHORISATIONS = "authorisations"
    OPPOSE = "oppositions"
    SUBSCRIBE = "alerts"
    READ_WHOLE_HISTORY = "history"
    READ_OWN_HISTORY = "history-own"


#: What is done in the access mode "normal" only under an authorisation that the patient gave. Feeding, and deleting
#: what one fed, need none: consultation is what the patient authorises.
NEEDS_AUTHORISATION: Final = frozenset(
    {
        Action.READ_ADMINISTRATIVE,
        Action.AMEND_ADMINISTRATIVE,
        Action.CLOSE,
        Action.MANAGE_ACCOUNT,
        Action.LIST_AUTHORISED,
        Action.SEARCH,
        Action.READ,
        Action.READ_MASKED,
        Action.MASK,
        Action.UNMASK,
        Action.MAKE_VISIBLE,
        Action.ARCHIVE,
        Action.RECLASSIFY,
        Action.BLOCK,
        Action.SUBSCRIBE,
        Action.READ_WHOLE_HISTORY,
        Action.READ_OWN_HISTORY,
        Action.DECLARE_TREATING_DOCTOR,
    }
)

#: What does not meet the patient's record, so that neither its state nor its authorisations count.
WITHOUT_RECORD: Final = frozenset({Action.LIST_RECORDS, Action.SEARCH_PATIENTS, Action.OPEN_PORTAL})

#: What a patient who blocked somebody still lets them do: hear that it is so, and file or withdraw their own documents.
IN_SPITE_OF_BLOCK: Final = frozenset(
    {
        Action.TEST_EXISTENCE,
        Action.DROP_OWN_AUTHORISATION,
        Action.FEED,
        Action.FEED_AS_EMPLOYEE,
        Action.REPLACE,
        Action.LOOK_UP_REFERENCE,
        Action.DELETE,
    }
)
