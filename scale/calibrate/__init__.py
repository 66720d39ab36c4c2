"""Service times for the simulation, measured on the application itself, and how well the model then agrees with it."""
