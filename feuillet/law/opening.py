"""The record's law as the settings have it."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine

from dmp.alerts import announce
from dmp.audit import Trail
from dmp.rights.decision import Law
from dmp.rights.matrix import MatrixError, load_matrix
from dmp.rights.professions import load_professions
from dmp.services import ByLaw, Setting
from feuillet.configuration import ConfigurationRefused
from feuillet.law.record_law import RecordLaw
from feuillet.law.rules import record_rules
from feuillet.settings import Sections
from xds_registry.database import writing
from xds_registry.patients import add_patient


def open_law(settings: Sections, engine: Engine) -> RecordLaw | None:
    """The law, or None where it is not enforced. Raises `ConfigurationRefused`.

    A demonstration to which nobody shows who they are cannot tell what they may do.
    """
    if settings.insecure_demo or not settings.law.enforced:
        return None
    if settings.repository.registry is not None:
        raise ConfigurationRefused(["law.enforced: expected false where the registry, with its records, is elsewhere"])
    if settings.trust is not None and settings.trust.peers:
        # What comes from a peer comes without a caller: there is nobody to decide about.
        raise ConfigurationRefused(["law.enforced: expected false where repositories elsewhere register (trust.peers)"])
    return RecordLaw(
        engine,
        _law(settings),
        rules=record_rules(settings.record),
        announce=None if settings.alerts is None else announce,
        feeders=settings.law.feeders,
    )


def open_services(settings: Sections, engine: Engine, trail: Trail) -> Setting:
    """What the DMP's own services work with; they keep to the law always. Raises `ConfigurationRefused`."""
    return Setting(
        begin=partial(writing, engine),
        trail=trail,
        judge=ByLaw(
            _law(settings),
            rules=record_rules(settings.record),
            clock=trail.clock,
            announce=None if settings.alerts is None else announce,
        ),
        announce=add_patient,
        rules=record_rules(settings.record),
        clock=trail.clock,
    )


def _law(settings: Sections) -> Law:
    chosen = settings.law
    try:
        return Law(
            load_matrix() if chosen.matrix is None else load_matrix(chosen.matrix),
            load_professions() if chosen.professions is None else load_professions(chosen.professions),
        )
    except MatrixError as error:
        raise ConfigurationRefused([f"law: {error}"]) from None
