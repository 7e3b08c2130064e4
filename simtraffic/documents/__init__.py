"""Documents in YAML that know where each of their parts stands, so that faults can say so."""
