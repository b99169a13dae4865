"""ThermoLion and SMES as composable optax transformations."""

from thermolion_optax._boost import AlignmentBoostState, alignment_boost
from thermolion_optax._distortion import (
    GradientDistortion,
    NormalizeDistortionState,
    gradient_distortion,
    normalize_distortion,
)
from thermolion_optax._gate import SnrGateState, scale_by_snr_gate
from thermolion_optax._graft import GraftState, graft
from thermolion_optax._lookahead import LookaheadState, lookahead
from thermolion_optax._muadam import muadam, scale_by_muadam
from thermolion_optax._noise import ThermalNoiseState, thermal_noise
from thermolion_optax._smes import SmesState, scale_by_smes, smes
from thermolion_optax._stochastic_rounding import apply_updates_stochastic
from thermolion_optax._swats import SwatsState, swats
from thermolion_optax._telemetry import (
    SNR_QUANTILES,
    PhaseStatistics,
    Statistic,
    phase_statistics,
)
from thermolion_optax._thermolion import ParameterNoiseState, thermolion
from thermolion_optax._weight_averaging import (
    StochasticWeightAveragingState,
    averaged_params,
    stochastic_weight_averaging,
)

__version__ = "0.1.0"

__all__ = [
    "SNR_QUANTILES",
    "AlignmentBoostState",
    "GradientDistortion",
    "GraftState",
    "LookaheadState",
    "NormalizeDistortionState",
    "ParameterNoiseState",
    "PhaseStatistics",
    "SmesState",
    "SnrGateState",
    "Statistic",
    "StochasticWeightAveragingState",
    "SwatsState",
    "ThermalNoiseState",
    "__version__",
    "alignment_boost",
    "apply_updates_stochastic",
    "averaged_params",
    "gradient_distortion",
    "graft",
    "lookahead",
    "muadam",
    "normalize_distortion",
    "phase_statistics",
    "scale_by_muadam",
    "scale_by_smes",
    "scale_by_snr_gate",
    "smes",
    "stochastic_weight_averaging",
    "swats",
    "thermal_noise",
    "thermolion",
]
