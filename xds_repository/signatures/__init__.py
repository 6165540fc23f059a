"""The signature of a submission, examined before anything is stored: the documents are here, and nowhere else."""

from xds_repository.signatures.examination import UNEXAMINED, Examined, SignatureExamination, SignaturePolicy

__all__ = ["UNEXAMINED", "Examined", "SignatureExamination", "SignaturePolicy"]
