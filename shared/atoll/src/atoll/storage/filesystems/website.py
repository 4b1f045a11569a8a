"""A store that a web server shows."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn
from urllib.parse import quote, unquote, urlsplit

from atoll.errors import UserError
from atoll.storage.filesystems.filesystem import redact
from atoll.storage.filesystems.remote import Remote


class Website(Remote):
    """A store that a web server shows, read-only; it lists a folder as JSON when asked to, as Caddy's file server does.

    User and password are those of the URL, or of ``~/.netrc``; the variable ``SSL_CERT_FILE`` names whom to trust.
    Nothing is kept from one look to the next.
    """

    def __init__(self, url: str) -> None:
        import aiohttp
        from fsspec.implementations.http import HTTPFileSystem

        parts = urlsplit(url)
        login = unquote(f"{parts.username}:{parts.password or ''}") if parts.username else None
        options = {
            "headers": {"Accept": "application/json"}
            | ({"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}),
            "timeout": aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60),
            # It looks into ~/.netrc, and refuses to choose where there is a second login.
            "trust_env": login is None,
        }
        super().__init__(HTTPFileSystem(client_kwargs=options, encoded=True), redact(url), url)
        self.how = (
            "See that the URL is that of a store, that ~/.netrc has the login "
            f"(machine {parts.hostname} login USER password PASSWORD), "
            "and, where the certificate is the server's own, that SSL_CERT_FILE names the file of who signed it."
        )

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise UserError(
            f"The store {self.url} is read-only.",
            "It is what a web server shows of a store.",
            "Set `store` (ATOLL_STORE) to a folder, or do it where that store is: ./atoll run LOCATION --env ENV",
        )

    create = replace = add = drop = remove = _refuse

    def list_folders(self, path: str) -> list[str]:
        """Names of the folders in a folder, sorted; as they are now."""
        (entries,) = self._list([path])
        return sorted(name for name, is_folder in entries if is_folder)

    def list_files(self, path: str) -> Iterator[str]:
        """List all folders of one depth at a time; as they are now."""
        found, folders = [], [path]
        while folders:
            below: list[str] = []
            for folder, entries in zip(folders, self._list(folders), strict=True):
                for name, is_folder in entries:
                    (below if is_folder else found).append(f"{folder}/{name}")
            folders = below
        yield from sorted(found)

    def locate(self, path: str) -> str:
        """URL of the file, as a browser takes it."""
        return self._name(path)

    def _list(self, folders: Sequence[str]) -> list[list[tuple[str, bool]]]:
        """Names of what is in each folder, and whether that is a folder; nothing where there is no folder."""
        contents = self.read_all([f"{folder}/".lstrip("/") for folder in folders])
        with self._explaining("read"):
            return [_read_listing(content) for content in contents]

    def _name(self, path: str) -> str:
        return f"{self._root}/{quote(path)}"


def _read_listing(content: bytes | None) -> list[tuple[str, bool]]:
    """Read the names in a folder, and whether each is a folder."""
    try:
        entries = json.loads(content or b"[]") or []
        return [(entry["name"].rstrip("/"), entry["is_dir"]) for entry in entries]
    except (ValueError, TypeError, KeyError):
        raise ValueError("what answers there lists no folder as JSON") from None
