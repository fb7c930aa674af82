"""What is raised when C++ tells of a failure."""

class RayletError(Exception):
    """A Status that is not OK; errors.py makes the public exceptions of it.

    `code` is its name ("StoreFull", "Disconnected", …).
    """

    code: str
    message: str
