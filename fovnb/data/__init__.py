"""DL3 data: index, runs, events, good time intervals and pointings."""

from fovnb.data.data_store import DataStore
from fovnb.data.event_list import EventList
from fovnb.data.gti import GTI
from fovnb.data.meta import ObservationMetaData
from fovnb.data.observation import Observation
from fovnb.data.observations import Observations
from fovnb.data.pointing import FixedPointingInfo, PointingMode
from fovnb.data.run_info import RunInfo

__all__ = [
    "GTI",
    "DataStore",
    "EventList",
    "FixedPointingInfo",
    "Observation",
    "ObservationMetaData",
    "Observations",
    "PointingMode",
    "RunInfo",
]
