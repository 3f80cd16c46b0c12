"""What the safe mask of a recipe does to one of its runs, from what was computed already."""

from fovnb.data import Observation
from fovnb.diagnostics.safe_spectra import SafeSpectra, safe_spectra
from fovnb.errors import DataError
from fovnb.pipeline.inputs import Roots, open_store
from fovnb.pipeline.results import Results
from fovnb.recipe import Data
from fovnb.steps import execute, safe_mask_statements

__all__ = ["open_run", "safe_preview"]


def open_run(data: Data, obs_id: int, roots: Roots = None) -> Observation:
    """Return a run of a recipe's folder; nothing but the index is read yet.

    Raises
    ------
    DataError
        If the folder or an index is missing or broken, or it holds no such run.
    """
    return open_store(data, roots).obs(obs_id)


def safe_preview(results: Results, observation: Observation) -> SafeSpectra:
    """Return what the safe mask of some results lets through of a run.

    Raises
    ------
    DataError
        If the results do not have the run, or it failed.

    Examples
    --------
    >>> from fovnb.pipeline import run
    >>> from fovnb.recipe import Recipe
    >>> results = run(Recipe())
    >>> safe_preview(results, open_run(results.recipe.data, 1)).chosen
    ('aeff-default', 'offset-max')
    """
    found = [one for one in results.datasets if one.run_info is not None and one.run_info.obs_id == observation.obs_id]
    if not found:
        msg = f"OBS_ID {observation.obs_id} is not among the runs that were computed; choose it, and update"
        raise DataError(msg)
    if found[0].counts is None or found[0].background is None:
        fit = found[0].background_fit
        msg = f"there are no counts and background to look at{'' if fit is None else f': {fit.reason}'}"
        raise DataError(msg)
    maker = execute(safe_mask_statements(results.recipe.safe_mask))["safe_mask_maker"]
    return safe_spectra(found[0], observation, maker)
