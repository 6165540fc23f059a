"""What alerts say: that there is news, and where to read it. In French, then in English.

Neither the person nor the document nor its kind is named: a message is read on locked screens and by others.
"""

from __future__ import annotations

from typing import Final

from dmp.alerts.subscriptions import AlertKind, SubscriberKind

_OWN = ("Un document a été ajouté à votre dossier.", "A document was added to your record.")
_OTHERS = (
    "Un document a été ajouté à un dossier que vous suivez.",
    "A document was added to a record that you follow.",
)
_OPENED = ("Votre dossier a été ouvert en urgence.", "Your record was opened in an emergency.")
_FOLLOWED_OPENED = (
    "Un dossier que vous suivez a été ouvert en urgence.",
    "A record that you follow was opened in an emergency.",
)
_SENTENCES: Final = {
    (AlertKind.DOCUMENT, SubscriberKind.PATIENT): _OWN,
    (AlertKind.DOCUMENT, SubscriberKind.REPRESENTATIVE): _OTHERS,
    (AlertKind.DOCUMENT, SubscriberKind.PROFESSIONAL): _OTHERS,
    (AlertKind.BREAK_GLASS, SubscriberKind.PATIENT): _OPENED,
    (AlertKind.BREAK_GLASS, SubscriberKind.REPRESENTATIVE): _FOLLOWED_OPENED,
}
SUBJECT: Final = "Nouvelle information / New information"


def text(kind: AlertKind, reader: SubscriberKind, portal: str) -> str:
    """The text of an alert. `portal` is the link under which whoever may reads more, after having signed in."""
    french, english = _SENTENCES[kind, reader]
    return f"{french} Connectez-vous : {portal}\n\n{english} Sign in: {portal}\n"
