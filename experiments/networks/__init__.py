"""A name or an import path to a network: initial parameters and logits."""

from experiments.networks.lookup import NAMES, NOTES, check_name, resolve
from experiments.networks.network import Network

__all__ = ["NAMES", "NOTES", "Network", "check_name", "resolve"]
