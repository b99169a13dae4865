"""A name or an import path to a network: initial parameters and logits."""
