"""SMES's third idea, measured: does an exponent, or a rescaling of layers, train deep plain nets?

`python -m experiments.distortion_study run` trains, `… report` writes the findings and figures.
"""
