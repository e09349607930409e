"""A TUF repository that is asked over HTTP, as Sigstore's and GitHub's are."""

from __future__ import annotations

import ssl

from tests.lab.hostile_http import Request
from tests.lab.places.server import Place, Reply
from tests.lab.tuf import Repository


class Tuf(Place):
    """Serves what a repository has at the time it is asked; 404 to the root that is not yet."""

    def __init__(
        self, repository: Repository, *, path: str = "", tls: ssl.SSLContext | None = None
    ) -> None:
        """Listen at once; ``path`` is where on the origin the repository stands."""
        self.repository = repository
        self._path = path
        super().__init__(tls=tls)

    @property
    def address(self) -> str:
        """Its URL, as ``--tuf-repository`` takes it."""
        return self.url(self._path)

    @property
    def names(self) -> list[str]:
        """The names of the files that were asked for, in order."""
        return [request.path.removeprefix(f"{self._path}/") for request in self.requests]

    def answer(self, request: Request) -> Reply:
        """Return a file by its name."""
        content = self.repository.files.get(request.path.removeprefix(f"{self._path}/"))
        if content is None:
            return Reply.missing()
        return Reply.file(content, request, "application/json")
