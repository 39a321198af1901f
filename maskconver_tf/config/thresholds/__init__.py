"""Which thresholds a prediction uses: those of an option, of --gin., a kept choice, or the run."""
