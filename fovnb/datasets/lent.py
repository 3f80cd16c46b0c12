"""A table as an attribute, which may be lent: it is copied when it is first asked for, since that takes a while."""

from dataclasses import dataclass
from typing import Any

from astropy.table import Table

__all__ = ["Lent", "TableAttribute"]


@dataclass(frozen=True)
class Lent:
    """Another's table; whoever asks the attribute for it gets a copy."""

    table: Table


class TableAttribute:
    """Descriptor of an attribute that holds a table, a `Lent` one, or None."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Table | None:
        found = instance.__dict__.get(self._name) if instance is not None else None
        if isinstance(found, Lent):
            found = instance.__dict__[self._name] = found.table.copy()
        return found

    def __set__(self, instance: Any, table: Table | Lent | None) -> None:
        instance.__dict__[self._name] = table
