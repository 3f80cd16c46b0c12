"""FoVBackgroundMaker: correct a run's background with the run's own counts, outside the exclusion mask.

What the data say is in sums over the mask, see `fovnb.makers.normalise`: the fit itself needs no pixels.
"""

import numbers
from dataclasses import replace
from html import escape

import numpy as np
from astropy import units as u

from fovnb.datasets import MapDataset, pointing_deg
from fovnb.errors import InvalidInputError, ModelError
from fovnb.makers.exclusion import project_exclusion_mask
from fovnb.makers.exclusion_mask import ExclusionMask
from fovnb.makers.normalise import (
    background_sums,
    deliver,
    empty_sums,
    find_flaw,
    predicted_pixels,
    warn_of_little_background,
)
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
from fovnb.modeling.gradient import field_sums
from fovnb.modeling.gradient_fit import fit_norm_and_gradient
from fovnb.modeling.models import (
    FoVBackgroundModel,
    FoVGradientSpatialModel,
    NormLike,
    NormSpectralModel,
    create_norm,
    is_factory,
    needs_dataset,
)

__all__ = ["FoVBackgroundMaker"]


class FoVBackgroundMaker:
    """Fit or scale the background model of a run on its counts outside the exclusion mask.

    Parameters
    ----------
    method : {"scale", "fit"}
        "scale": one factor, n = (N - S) / B, with B at norm 1. "fit": all free parameters of the model, by the
        likelihood of the sums per energy bin, which is that of the pixels; a gradient over the field of view is fitted
        with the norm, exactly too.
    exclusion_mask : Map or ExclusionMask, optional
        True = used. It may be 2D or 3D, in another frame or binning, boolean or 0/1; what it does not cover is used.
        Without it a dataset that was fitted with a mask keeps that one.
    spectral_model : norm spectral model, str or callable
        Norm spectral model, its tag, or what makes one from a run's sums, see `create_norm`; for datasets without a
        background model of their own. With "piecewise-norm" and "piecewise-pl-norm" each run gets nodes where it holds
        enough counts; ``PiecewiseNormSpectralModel.from_dataset`` in a ``partial`` does so with its options.
    min_counts, min_npred_background : float
        A run with no more than so many counts, or predicted background counts, in the mask fails.
    fit : Fit, optional
        The minimiser, with options; without it norms whose logarithm is linear are solved exactly.
    spatial_model : FoVGradientSpatialModel, optional
        Gradient for datasets without a background model of their own; each run gets a copy at its own pointing. "scale"
        leaves it as it is.

    Raises
    ------
    InvalidInputError, ModelError
        If the method is unknown, the model is no norm model, or is to be scaled and has no single norm.

    Notes
    -----
    A run that fails keeps its maps, gets an empty safe mask, and adds nothing to a stack; the reason is in its
    ``background_fit``, and a warning says it. ``mask_exclusion`` of what is returned is the exclusion mask on its grid.

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
        exclusion_mask: Map | ExclusionMask | None = None,
        spectral_model: NormLike = "pl-norm",
        min_counts: float = 0,
        min_npred_background: float = 0,
        fit: Fit | None = None,
        spatial_model: FoVGradientSpatialModel | None = None,
    ) -> None:
        if method not in self.available_methods:
            msg = f"{method!r} is no method to normalise the background; choose 'fit' or 'scale'"
            raise InvalidInputError(msg)
        self.method = method
        self.exclusion_mask = exclusion_mask
        self.default_spectral_model = _norm_model(spectral_model, method)
        self.min_counts = min_counts
        self.min_npred_background = min_npred_background
        self.fit = fit
        self.default_spatial_model = spatial_model
        _check_options(min_counts, min_npred_background, fit, spatial_model)

    def run(
        self,
        dataset: MapDataset,
        observation: object = None,  # noqa: ARG002 - every maker takes the run
        sums: BackgroundSums | None = None,
    ) -> MapDataset:
        """Return the dataset with its background model fitted and the outcome in ``background_fit``.

        Parameters
        ----------
        dataset : MapDataset
            The run's dataset, with counts and background; it is not changed.
        observation : Observation, optional
            Not needed; every maker takes it.
        sums : BackgroundSums, optional
            What ``background_sums`` returned for this very dataset and exclusion mask; saves the walk over its pixels.
            With them a norm is fitted without looking at a pixel; a gradient over the field of view needs its own sums.

        Raises
        ------
        InvalidInputError
            If what is given is no dataset, or the sums are those of other energy bins.

        Warns
        -----
        FovnbWarning
            If the run cannot be used, with the reason, or the exclusion mask leaves under 30 % of a bin's background.
        """
        check_dataset(dataset)
        masked = dataset
        if self.exclusion_mask is not None:
            masked = dataset.replace(mask_exclusion=self.make_exclusion_mask(dataset))
        flaw = None if _are_sound(sums, dataset) else find_flaw(masked)
        sums = empty_sums(dataset) if flaw else sums or background_sums(masked)
        model = flaw or self._model_of(masked, sums)
        if isinstance(model, FoVBackgroundModel):
            return deliver(masked, *self._normalise(masked, model, sums))
        unfitted = dataset.background_model or FoVBackgroundModel(dataset.name)
        return deliver(masked, *failed_fit(sums, unfitted, self.method, dataset.name, *model))

    def make_default_fov_background_model(
        self, dataset: MapDataset, sums: BackgroundSums | None = None
    ) -> FoVBackgroundModel:
        """Return a background model for a dataset, with copies of the maker's models; nodes stand where its sums say.

        Raises
        ------
        InvalidInputError
            If there is a gradient and the dataset does not say where it pointed.
        ModelError
            If the dataset holds too few counts for the nodes of the norm.
        """
        return FoVBackgroundModel(
            spectral_model=create_norm(self.default_spectral_model, sums or dataset).copy(),
            spatial_model=self.default_spatial_model and _placed(self.default_spatial_model, dataset),
            dataset_name=dataset.name,
        )

    def make_exclusion_mask(self, dataset: MapDataset) -> Map:
        """Return the exclusion mask on the dataset's geometry."""
        return project_exclusion_mask(self.exclusion_mask, dataset.geom)

    def _model_of(self, dataset: MapDataset, sums: BackgroundSums) -> FoVBackgroundModel | tuple[Status, str]:
        """Return the dataset's own or a new model, or status and reason if none can be made."""
        own = dataset.background_model
        try:
            if own is None:
                return self.make_default_fov_background_model(dataset, sums)
            spatial = own.spatial_model
            return own if spatial is None else own.copy(spatial_model=_placed(spatial, dataset))
        except InvalidInputError as error:
            return "unreadable", str(error)
        except ModelError as error:
            return "too-few-counts", str(error)

    def _normalise(
        self, dataset: MapDataset, model: FoVBackgroundModel, sums: BackgroundSums
    ) -> tuple[FoVBackgroundModel, BackgroundFit]:
        """Return the fitted model and the outcome; the model as it was where the sums are too small."""
        spatial, name = model.spatial_model, dataset.name
        gradient = spatial if spatial is not None and self.method == "fit" and not spatial.frozen else None
        if gradient is not spatial:
            sums = background_sums(dataset, spatial_model=spatial)
        failure = self._requirement_failed(sums)
        if failure:
            return failed_fit(sums, model, self.method, name, *failure)
        warn_of_little_background(sums, name)
        if self.method == "scale":
            return scale_background(sums, model, name)
        if gradient is None:
            return fit_background(sums, model, self.fit, name)
        counts, background = dataset.required("counts").data, dataset.required("background").data
        field = field_sums(counts, background, predicted_pixels(dataset), *gradient.fov_lonlat_deg(dataset.geom))
        fitted, record = fit_norm_and_gradient(sums, field, model, self.fit, name)
        if dataset.mask_exclusion is None:
            return fitted, record
        excluded = background_sums(dataset, spatial_model=fitted.spatial_model).background_excluded
        norm = fitted.spectral_model.evaluate_tev(sums.energy)
        return fitted, replace(record, background_excluded=norm * excluded)

    def _requirement_failed(self, sums: BackgroundSums) -> tuple[Status, str] | None:
        """Return status and reason if there is too little to fit; where there is nothing, the fit says so."""
        counts, background = sums.total_counts, float(sums.background.sum())
        if 0 < background <= self.min_npred_background:
            return "no-background", (
                f"{background:.6g} predicted background counts outside the exclusion mask, more than "
                f"{self.min_npred_background:g} needed; "
                "widen the safe mask, shrink the exclusion mask or lower min_npred_background"
            )
        if 0 < counts <= self.min_counts:
            return "too-few-counts", (
                f"{counts:.6g} counts outside the exclusion mask, more than {self.min_counts:g} needed; "
                "widen the safe mask, shrink the exclusion mask or lower min_counts"
            )
        return None

    def __repr__(self) -> str:
        norm = self.default_spectral_model
        model = norm.tag[-1] if isinstance(norm, NormSpectralModel) else norm
        return (
            f"FoVBackgroundMaker(method={self.method!r}, spectral_model={model!r}, min_counts={self.min_counts!r}, "
            f"min_npred_background={self.min_npred_background!r})"
        )

    def _repr_html_(self) -> str:
        return f"<code>{escape(repr(self))}</code>"


def _are_sound(sums: object, dataset: MapDataset) -> bool:
    """Return whether sums were given that show a run with counts, all readable: one without flaws."""
    if sums is None:
        return False
    energy = dataset.geom.axes["energy"].center.to_value(u.TeV)
    if not isinstance(sums, BackgroundSums) or not np.array_equal(sums.energy, energy):
        msg = f"sums is {sums!r}; expected what background_sums returns for a dataset with the energies {energy} TeV"
        raise InvalidInputError(msg)
    return sums.total_counts > 0 and not sums.n_unreadable


def _check_options(min_counts: object, min_npred_background: object, fit: object, spatial: object) -> None:
    """Refuse requirements that are no numbers, and a minimiser or a gradient that is none."""
    for name, value in {"min_counts": min_counts, "min_npred_background": min_npred_background}.items():
        if not isinstance(value, numbers.Real) or np.isnan(float(value)):
            msg = f"{name} is {value!r}; expected a number such as 10"
            raise InvalidInputError(msg)
    if not isinstance(fit, Fit | None):
        msg = f"fit is {fit!r}; expected a Fit such as Fit(optimize_opts={{'tol': 1e-3}}), or nothing"
        raise InvalidInputError(msg)
    if not isinstance(spatial, FoVGradientSpatialModel | None):
        msg = f"spatial_model is {spatial!r}; expected FoVGradientSpatialModel(), or nothing"
        raise InvalidInputError(msg)


def _norm_model(model: NormLike, method: str) -> NormLike:
    """Return the norm model, the one with this tag, or what waits for a dataset."""
    if not (isinstance(model, NormSpectralModel | str) or is_factory(model)):
        msg = f"{type(model).__name__} is no norm model; use PowerLawNormSpectralModel or another norm model"
        raise InvalidInputError(msg)
    if not needs_dataset(model):
        found = create_norm(model)
        check_method(found, method)
        return found
    if method == "scale":
        msg = f"method 'scale' needs one parameter 'norm', but {model!r} has one a node; use method 'fit'"
        raise ModelError(msg)
    return model


def _placed(spatial: FoVGradientSpatialModel, dataset: MapDataset) -> FoVGradientSpatialModel:
    """Return a copy of the gradient at the pointing of the run, unless it has a place."""
    if spatial.pointing_deg is not None:
        return spatial.copy()
    rotation = np.nan if dataset.run_info is None else dataset.run_info.rotation_deg
    if spatial.alignment == "ALTAZ" and np.isnan(rotation):
        msg = f"dataset {dataset.name!r} does not know where the zenith was; use alignment='RADEC' for the gradient"
        raise InvalidInputError(msg)
    return spatial.placed(*pointing_deg(dataset), 0.0 if spatial.alignment == "RADEC" else rotation)
