"""The arithmetic of docs/scale.md: what a fleet costs, from what one request, one pod and one column cost."""
