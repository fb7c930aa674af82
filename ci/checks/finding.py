"""What a rule reports."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of one rule, told so that the reader knows where it is and what to do."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"
