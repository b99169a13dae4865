"""ThermoLion and SMES as composable optax transformations."""

from thermolion_optax.boost import AlignmentBoostState, alignment_boost
from thermolion_optax.gate import SnrGateState, scale_by_snr_gate
from thermolion_optax.noise import ThermalNoiseState, thermal_noise
from thermolion_optax.smes import SmesState, scale_by_smes, smes
from thermolion_optax.telemetry import phase_statistics
from thermolion_optax.thermolion import ParameterNoiseState, thermolion

__all__ = [
    "AlignmentBoostState",
    "ParameterNoiseState",
    "SmesState",
    "SnrGateState",
    "ThermalNoiseState",
    "alignment_boost",
    "phase_statistics",
    "scale_by_smes",
    "scale_by_snr_gate",
    "smes",
    "thermal_noise",
    "thermolion",
]
