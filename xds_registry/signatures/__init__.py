"""What was found of the signatures of submissions, kept as metadata beside the SubmissionSets."""

from xds_registry.signatures.kept import keep, keeping, signature_of, unexamined

__all__ = ["keep", "keeping", "signature_of", "unexamined"]
