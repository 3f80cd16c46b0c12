"""The field-of-view background technique for gamma-ray astronomy, notebook first.

The vocabulary is Gammapy's: a script for field-of-view background work runs with the one word ``gammapy`` replaced by
``fovnb``. Importing the package is light; every sub-package is imported when it is asked for.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
