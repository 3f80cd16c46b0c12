"""Everything that fovnb raises or warns about.

::

    FovnbError
    ├── CancelledError      the caller stopped the work
    ├── InvalidInputError   an argument, or a combination of arguments, that cannot be right (also a ValueError)
    │   └── RecipeError     a recipe that holds an unknown key or an impossible value, or asks for what cannot be said
    ├── DataError           a DL3, index or map file that is missing, broken or of the wrong kind (also an OSError)
    │   └── UnknownObservationError   an OBS_ID that the index does not hold (also a KeyError)
    ├── IrfError            an instrument response that is empty, negative, NaN, or does not cover what is asked of it
    ├── GeometryError       axes or sky geometries that do not fit each other (also a ValueError)
    ├── ModelError          a model or a parameter that does not exist or cannot be used so (also a ValueError)
    ├── PredictionError     predicted counts that are negative or NaN, or zero where counts were seen
    └── VerificationError   code that does not run, or gives other results than the pipeline

    FovnbWarning            a result that needs a second look (also a UserWarning)

A message says what was found, what was expected, and what to do.
"""

__all__ = [
    "CancelledError",
    "DataError",
    "FovnbError",
    "FovnbWarning",
    "GeometryError",
    "InvalidInputError",
    "IrfError",
    "ModelError",
    "PredictionError",
    "RecipeError",
    "UnknownObservationError",
    "VerificationError",
]


class FovnbError(Exception):
    """Base class: ``except FovnbError`` catches everything that fovnb raises on purpose."""

    def __str__(self) -> str:
        # KeyError prints the repr of its argument and OSError the errno: a message is a plain sentence everywhere.
        return ", ".join(str(arg) for arg in self.args)


class CancelledError(FovnbError):
    """Work that its caller stopped; what was finished before is kept."""


class InvalidInputError(FovnbError, ValueError):
    """An argument, or a combination of arguments, that cannot be right."""


class RecipeError(InvalidInputError):
    """A recipe that holds an unknown key or an impossible value, or asks for what cannot be said."""


class DataError(FovnbError, OSError):
    """A DL3 file, an index or a map file that is missing, broken or of the wrong kind."""


class UnknownObservationError(DataError, KeyError):
    """An OBS_ID that the index does not hold."""


class IrfError(FovnbError):
    """An instrument response that is empty, negative, NaN, or does not cover what is asked of it."""


class GeometryError(FovnbError, ValueError):
    """Axes or sky geometries that do not fit each other."""


class ModelError(FovnbError, ValueError):
    """A model or a parameter that does not exist or cannot be used so."""


class PredictionError(FovnbError, ValueError):
    """Predicted counts that are negative or NaN, or zero where counts were seen."""


class VerificationError(FovnbError):
    """Code that does not run, or gives other results than the pipeline."""


class FovnbWarning(UserWarning):
    """A result that needs a second look."""
