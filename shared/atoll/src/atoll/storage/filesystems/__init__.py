"""The kinds of place a store can be in: a local folder, a file system behind a URL, and a web server to read from."""

from pathlib import Path
from urllib.parse import urlsplit

from atoll.errors import UserError
from atoll.storage.filesystems.filesystem import FileSystem, hash_file, redact
from atoll.storage.filesystems.folder import Folder
from atoll.storage.filesystems.remote import Remote
from atoll.storage.filesystems.website import Website

__all__ = ["FileSystem", "Folder", "Remote", "Website", "hash_file", "open_filesystem", "redact"]


def open_filesystem(url: str) -> FileSystem:
    """Open the place that a folder's path or a URL names; nothing is read or written yet.

    Raises:
        UserError: This kind of URL is unknown, or what reads it is not installed.
    """
    from upath import UPath

    extra = "https" if _is_web(url) else "s3"
    try:
        if _is_web(url):
            return Website(url)
        place = UPath(url)
        if place.protocol in ("", "file", "local"):
            return Folder(Path(place.path))
        return Remote(place.fs, place.path, str(place))
    except ImportError as error:
        raise UserError(
            f"The store {redact(url)} cannot be opened.",
            f"What reads this kind of URL is not installed: {error}.",
            f"Add the extra `{extra}` to the project's dependency on atoll, and run ./atoll sync.",
        ) from error
    except ValueError as error:
        raise UserError(
            f"The store {redact(url)} cannot be opened.",
            f"This kind of URL is unknown: {error}.",
            "Set `store` (ATOLL_STORE) to a folder, to s3://bucket/prefix or to https://host/path.",
        ) from error


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "https")
