"""The composition root: settings in, a running sidecar out."""
