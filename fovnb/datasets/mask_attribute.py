"""A mask as an attribute: None or a map of booleans, checked when it is set."""

from typing import Any

from fovnb.errors import InvalidInputError
from fovnb.maps import Map

__all__ = ["MaskAttribute"]


class MaskAttribute:
    """Descriptor of an attribute that holds a map of booleans, or None.

    Raises
    ------
    InvalidInputError
        When something else is set.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Map | None:
        found: Map | None = instance.__dict__.get(self._name) if instance is not None else None
        return found

    def __set__(self, instance: Any, mask: object) -> None:
        if mask is not None and not (isinstance(mask, Map) and mask.is_mask):
            found = f"a Map of {mask.data.dtype}" if isinstance(mask, Map) else f"a {type(mask).__name__}"
            msg = (
                f"{self._name} is {found}; expected a Map of booleans such as geom.region_mask(regions, inside=False), "
                "or other > 0"
            )
            raise InvalidInputError(msg)
        instance.__dict__[self._name] = mask
