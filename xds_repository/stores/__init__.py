"""Where documents' bytes live: one contract, kept by a directory and by any S3 server.

A blob is written once under a UUID, durable when the write returns, and verified whenever it is read.
"""

from xds_repository.stores.configuration import (
    Encryption,
    FilesystemConfiguration,
    S3Configuration,
    StoreMisconfigured,
    open_store,
)
from xds_repository.stores.contract import (
    BlobConflict,
    BlobCorrupt,
    BlobKey,
    BlobMissing,
    BlobSource,
    BlobStat,
    BlobStream,
    Digest,
    ObjectStore,
    StoreError,
    StoreFull,
    StoreUnavailable,
)

__all__ = [
    "BlobConflict",
    "BlobCorrupt",
    "BlobKey",
    "BlobMissing",
    "BlobSource",
    "BlobStat",
    "BlobStream",
    "Digest",
    "Encryption",
    "FilesystemConfiguration",
    "ObjectStore",
    "S3Configuration",
    "StoreError",
    "StoreFull",
    "StoreMisconfigured",
    "StoreUnavailable",
    "open_store",
]
