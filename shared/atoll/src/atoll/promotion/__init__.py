"""From challenger to champion: held-out rows, the gate, the registry."""
