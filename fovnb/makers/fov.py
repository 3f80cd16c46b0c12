"""FoVBackgroundMaker: correct a run's background with the run's own counts, outside the exclusion mask.

The mask is M = mask_safe AND mask_fit AND exclusion AND background finite and positive; what the data say is in the
sums over M of counts and background per energy bin, N_k and B_k. The fit itself needs no pixels.
"""

import numbers
import warnings
from html import escape

import numpy as np

from fovnb.datasets import MapDataset
from fovnb.errors import FovnbWarning, InvalidInputError
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.observed import check_dataset
from fovnb.maps import Map
from fovnb.modeling import Fit
from fovnb.modeling.background_fit import (
    BackgroundFit,
    BackgroundSums,
    check_method,
    failed_fit,
    fit_background,
    scale_background,
)
from fovnb.modeling.background_record import Status
from fovnb.modeling.models import FoVBackgroundModel, Model, NormSpectralModel
from fovnb.types import AnyArray, BoolArray, FloatArray

__all__ = ["FoVBackgroundMaker", "background_sums"]


class FoVBackgroundMaker:
    """Fit or scale the background model of a run on its counts outside the exclusion mask.

    Parameters
    ----------
    method : {"scale", "fit"}
        "scale": one factor, n = (N - S) / B, with B at norm 1. "fit": all free parameters of the spectral model, by the
        likelihood of the sums per energy bin, which is that of the pixels as long as the norm has no spatial part.
    exclusion_mask : Map, optional
        True = used. It may be 2D or 3D, in another frame or binning, boolean or 0/1; what it does not cover is used.
    spectral_model : SpectralModel or str
        Norm spectral model, or its tag, for datasets without a background model of their own.
    min_counts, min_npred_background : float
        A run with no more than so many counts, or predicted background counts, in the mask fails.
    fit : Fit, optional
        The minimiser, with options; without it norms whose logarithm is linear are solved exactly.

    Raises
    ------
    InvalidInputError, ModelError
        If the method is unknown, the model is no norm model, or is to be scaled and has no single norm.

    Notes
    -----
    A run that fails keeps its maps, gets an empty safe mask, and adds nothing to a stack; the reason is in its
    ``background_fit``, and a warning says it.

    Examples
    --------
    >>> FoVBackgroundMaker(method="fit", spectral_model="pl-norm", min_counts=10)
    FoVBackgroundMaker(method='fit', spectral_model='pl-norm', min_counts=10, min_npred_background=0)
    """

    tag = "FoVBackgroundMaker"
    available_methods = ("fit", "scale")

    def __init__(
        self,
        method: str = "scale",
        exclusion_mask: Map | None = None,
        spectral_model: NormSpectralModel | str = "pl-norm",
        min_counts: float = 0,
        min_npred_background: float = 0,
        fit: Fit | None = None,
    ) -> None:
        if method not in self.available_methods:
            msg = f"{method!r} is no method to normalise the background; choose 'fit' or 'scale'"
            raise InvalidInputError(msg)
        self.method = method
        self.exclusion_mask = exclusion_mask
        self.default_spectral_model = _norm_model(spectral_model)
        self.min_counts = min_counts
        self.min_npred_background = min_npred_background
        self.fit = fit
        _check_options(min_counts, min_npred_background, fit)
        check_method(self.default_spectral_model, method)

    def run(self, dataset: MapDataset, observation: object = None) -> MapDataset:  # noqa: ARG002 - every maker takes the run
        """Return the dataset with its background model fitted and the outcome in ``background_fit``.

        Parameters
        ----------
        dataset : MapDataset
            The run's dataset, with counts and background; it is not changed.
        observation : Observation, optional
            Not needed; every maker takes it.
        """
        check_dataset(dataset)
        model = dataset.background_model or self.make_default_fov_background_model(dataset)
        sums = background_sums(dataset, self.make_exclusion_mask(dataset))
        fitted, outcome = self._normalise(sums, model, dataset.name)
        others = [other for other in dataset.models or () if other is not model]
        done = dataset.replace(models=[*others, fitted], background_fit=outcome)
        return done if outcome.enters_stack else _failed(done, outcome)

    def make_default_fov_background_model(self, dataset: MapDataset) -> FoVBackgroundModel:
        """Return a background model for a dataset, with a copy of the maker's spectral model."""
        return FoVBackgroundModel(spectral_model=self.default_spectral_model.copy(), dataset_name=dataset.name)

    def make_exclusion_mask(self, dataset: MapDataset) -> Map:
        """Return the exclusion mask on the dataset's geometry."""
        return project_exclusion_mask(self.exclusion_mask, dataset.geom)

    def _normalise(
        self, sums: BackgroundSums, model: FoVBackgroundModel, name: str
    ) -> tuple[FoVBackgroundModel, BackgroundFit]:
        """Return the fitted model and the outcome; the model as it was where the sums are too small."""
        failure = self._requirement_failed(sums)
        if failure:
            return failed_fit(sums, model, self.method, name, *failure)
        if self.method == "scale":
            return scale_background(sums, model, name)
        return fit_background(sums, model, self.fit, name)

    def _requirement_failed(self, sums: BackgroundSums) -> tuple[Status, str] | None:
        """Return status and reason if there is too little to fit."""
        counts, background = sums.total_counts, float(sums.background.sum())
        if background <= self.min_npred_background:
            return "no-background", (
                f"{background:.6g} predicted background counts outside the exclusion mask, more than "
                f"{self.min_npred_background:g} needed; "
                "widen the safe mask, shrink the exclusion mask or lower min_npred_background"
            )
        if counts <= self.min_counts:
            return "too-few-counts", (
                f"{counts:.6g} counts outside the exclusion mask, more than {self.min_counts:g} needed; "
                "widen the safe mask, shrink the exclusion mask or lower min_counts"
            )
        return None

    def __repr__(self) -> str:
        model = self.default_spectral_model.tag[-1]
        return (
            f"FoVBackgroundMaker(method={self.method!r}, spectral_model={model!r}, min_counts={self.min_counts!r}, "
            f"min_npred_background={self.min_npred_background!r})"
        )

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"


def background_sums(dataset: MapDataset, exclusion: Map) -> BackgroundSums:
    """Return counts and predicted background per energy bin, summed over M (see the module).

    Pixels with counts but no predicted background enter neither sum; how many counts that leaves out is in the result.

    Parameters
    ----------
    dataset : MapDataset
        With counts and background.
    exclusion : Map
        Boolean, on the dataset's geometry.
    """
    background, counts = dataset.required("background").data, dataset.required("counts").data
    used = exclusion.data if dataset.mask is None else dataset.mask.data & exclusion.data
    predicted = used & (background > 0) & (background < np.inf)
    # Counting pixels is much faster than picking counts out: nearly always there are none to pick.
    all_predicted = np.count_nonzero(used) == np.count_nonzero(predicted)
    return BackgroundSums(
        energy=dataset.geom.axes["energy"].center.to_value("TeV"),
        counts=_per_bin(counts, predicted),
        background=_per_bin(background, predicted),
        n_unpredicted=0.0 if all_predicted else float(counts[used & ~predicted].sum()),
    )


def _per_bin(data: AnyArray, mask: BoolArray) -> FloatArray:
    """Return the sum over the pixels of each energy bin."""
    return np.asarray(np.sum(data, axis=(1, 2), where=mask, dtype=float))


def _check_options(min_counts: object, min_npred_background: object, fit: object) -> None:
    """Refuse requirements that are no numbers, and a minimiser that is none."""
    for name, value in {"min_counts": min_counts, "min_npred_background": min_npred_background}.items():
        if not isinstance(value, numbers.Real) or np.isnan(float(value)):
            msg = f"{name} is {value!r}; expected a number such as 10"
            raise InvalidInputError(msg)
    if not isinstance(fit, Fit | None):
        msg = f"fit is {fit!r}; expected a Fit such as Fit(optimize_opts={{'tol': 1e-3}}), or nothing"
        raise InvalidInputError(msg)


def _norm_model(model: NormSpectralModel | str) -> NormSpectralModel:
    """Return the norm model, or the one with this tag."""
    found = Model.create(model, model_type="spectral") if isinstance(model, str) else model
    if not isinstance(found, NormSpectralModel):
        msg = f"{type(found).__name__} is no norm model; use PowerLawNormSpectralModel or another norm model"
        raise InvalidInputError(msg)
    return found


def _failed(dataset: MapDataset, outcome: BackgroundFit) -> MapDataset:
    """Return the dataset with an empty safe mask, and say why."""
    msg = f"{dataset.name}: {outcome.status}: {outcome.reason}; the run adds nothing to a stack"
    warnings.warn(msg, FovnbWarning, stacklevel=3)
    return dataset.replace(mask_safe=Map.from_geom(dataset.geom, dtype=bool))
