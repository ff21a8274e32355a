"""The errors a user can cause, all in one sentence form.

    PedigreeError              anything below; the command line catches this one and nothing wider
    +-- BadInput               a file, table or parameter is not what it must be
    +-- BrokenContract         a stage did what its declaration forbids (undeclared output, lost rows)
    +-- NotVerified            bytes, a signature or a chain do not hold
"""


class PedigreeError(Exception):
    """`where: what is wrong, wanted X, got Y; what to do`."""

    def __init__(self, where: str, what: str, *, wanted: str = "", got: str = "", do: str = "") -> None:
        sentence = f"{where}: {what}"
        sentence += f", wanted {wanted}" if wanted else ""
        sentence += f", got {got}" if got else ""
        sentence += f"; {do}" if do else ""
        super().__init__(sentence)
        self.where, self.what, self.wanted, self.got, self.do = where, what, wanted, got, do


class BadInput(PedigreeError):
    """A file, table or parameter is not what it must be."""


class BrokenContract(PedigreeError):
    """A stage did what its declaration forbids."""


class NotVerified(PedigreeError):
    """Bytes, a signature or a chain do not hold."""
