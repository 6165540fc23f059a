"""The DMP's own services: records, authorisations and accounts administered over SOAP.

The one part of the record's law that knows the wire: it reads messages, asks the judge, calls the law and answers.
"""

from dmp.services.conversation import Setting
from dmp.services.endpoint import record_services
from dmp.services.judge import ByLaw, Judge
from dmp.services.refusals import RecordedFault

__all__ = ["ByLaw", "Judge", "RecordedFault", "Setting", "record_services"]
