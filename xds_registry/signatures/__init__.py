"""What was found of the signatures of submissions, kept as metadata beside the SubmissionSets."""

from xds_registry.signatures.kept import forget, keep, keeping, signature_of, unexamined

__all__ = ["forget", "keep", "keeping", "signature_of", "unexamined"]
