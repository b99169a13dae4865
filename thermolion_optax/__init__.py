"""ThermoLion and SMES as composable optax transformations.

A module whose name would hide the function it is named after has a leading underscore.
"""

from thermolion_optax._lookahead import LookaheadState, lookahead
from thermolion_optax._muadam import muadam, scale_by_muadam
from thermolion_optax._smes import SmesState, scale_by_smes, smes
from thermolion_optax._swats import SwatsState, swats
from thermolion_optax._thermolion import ParameterNoiseState, thermolion
from thermolion_optax.boost import AlignmentBoostState, alignment_boost
from thermolion_optax.gate import SnrGateState, scale_by_snr_gate
from thermolion_optax.noise import ThermalNoiseState, thermal_noise
from thermolion_optax.stochastic_rounding import apply_updates_stochastic
from thermolion_optax.telemetry import phase_statistics
from thermolion_optax.weight_averaging import (
    StochasticWeightAveragingState,
    averaged_params,
    stochastic_weight_averaging,
)

__all__ = [
    "AlignmentBoostState",
    "LookaheadState",
    "ParameterNoiseState",
    "SmesState",
    "SnrGateState",
    "StochasticWeightAveragingState",
    "SwatsState",
    "ThermalNoiseState",
    "alignment_boost",
    "apply_updates_stochastic",
    "averaged_params",
    "lookahead",
    "muadam",
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
