"""Real data, in its own order, through a real sidecar process whose clock is the data's."""
