"""A client of the DMP's own services, for tests: one method for each transaction, typed both ways."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from dmp.services import vocabulary as v
from dmp.services.messages.candidates import CandidateQuery, Candidates, read_candidates, write_candidate_query
from dmp.services.messages.demographics import Demographics, DemographicsQuery, read_demographics, write_query
from dmp.services.messages.operations import accounts, habilitations, record_list
from dmp.services.messages.operations.outcome import Outcome
from dmp.services.messages.registration import (
    Registration,
    RegistrationAnswer,
    read_registration_answer,
    write_registration,
)
from dmp.services.vocabulary import Reason
from schemas.datatypes import Cx
from tests.dmp.services import samples

#: Sends a body to a service under an action and gives the body of the answer back. Raises SoapFault.
Send = Callable[[str, str, bytes], etree._Element]


class Client:
    """Speaks for one caller."""

    def __init__(self, send: Send) -> None:
        self.send = send

    def ask(self, query: DemographicsQuery) -> Demographics:
        """PRPA_IN201307UV02."""
        action = v.interaction_action(v.QUERY)
        return read_demographics(self.send("patients", action, write_query(query)))

    def exists(self, identifier: Cx = samples.INS) -> Demographics:
        """TD0.2."""
        return self.ask(samples.question(Reason.TEST_EXISTENCE, identifier))

    def sheet(self, identifier: Cx = samples.INS) -> Demographics:
        """TD1.3a."""
        return self.ask(samples.question(Reason.READ, identifier))

    def register(self, request: Registration) -> RegistrationAnswer:
        """TD1.1, TD1.2, TD1.3b, TD1.4."""
        action = v.interaction_action(request.interaction)
        return read_registration_answer(self.send("patients", action, write_registration(request)))

    def authorise(self, role: habilitations.SpecificRight | None = None) -> Outcome:
        """TD0.3, AJOUT."""
        return self._set(habilitations.AuthorisationAction.ADD, role)

    def withdraw(self, role: habilitations.SpecificRight | None = None) -> Outcome:
        """TD0.3, SUPPRESSION."""
        return self._set(habilitations.AuthorisationAction.REMOVE, role)

    def authorised(
        self, mode: habilitations.AuthorisationMode = habilitations.AuthorisationMode.ALL
    ) -> habilitations.AuthorisationList:
        """TD1.6."""
        body = habilitations.write_list_authorisations(habilitations.ListAuthorisations(mode))
        action = v.habilitations_action(habilitations.LIST_AUTHORISATIONS)
        return habilitations.read_authorisation_list(self.send("habilitations", action, body))

    def records(self, query: record_list.RecordListQuery | None = None) -> record_list.RecordList:
        """TD0.4."""
        asked = query or record_list.RecordListQuery(None, record_list.ListedBy.LAST_AUTHORISATION)
        body = record_list.write_record_list_query(asked)
        action = v.patients_action(record_list.PATIENT_LIST)
        return record_list.read_record_list(self.send("patientsSpecific", action, body))

    def search(self, query: CandidateQuery) -> Candidates:
        """TD0.5."""
        action = v.interaction_action(v.FIND_CANDIDATES)
        return read_candidates(self.send("patientsPDQ", action, write_candidate_query(query)))

    def open_account(self, channel: accounts.ChannelType, address: str) -> accounts.Access:
        """TD1.5a."""
        body = accounts.write_create_access(accounts.CreateAccess(channel, address))
        return accounts.read_access(self.send("patientsSpecific", v.patients_action(accounts.CREATE), body))

    def update_channel(
        self, channel: accounts.ChannelType, action: accounts.ChannelAction, address: str = ""
    ) -> Outcome:
        """TD1.5b."""
        body = accounts.write_update_channel(accounts.UpdateChannel(channel, action, address))
        action_name = v.patients_action(accounts.UPDATE_CHANNEL)
        return accounts.read_channel_updated(self.send("patientsSpecific", action_name, body))

    def renew_account(self) -> accounts.Access:
        """TD1.5d."""
        body = accounts.write_renew_access()
        return accounts.read_access(self.send("patientsSpecific", v.patients_action(accounts.RENEW), body))

    def _set(self, action: habilitations.AuthorisationAction, role: habilitations.SpecificRight | None) -> Outcome:
        body = habilitations.write_set_authorisation(habilitations.SetAuthorisation(action, role))
        name = v.habilitations_action(habilitations.SET_AUTHORISATION)
        return habilitations.read_authorisation_set(self.send("habilitations", name, body))
