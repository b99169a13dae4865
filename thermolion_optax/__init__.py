"""ThermoLion and SMES as composable optax transformations."""
