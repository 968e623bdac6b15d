"""Who is in the simulated world and what happens to them; the seed decides ids and quantities only."""
