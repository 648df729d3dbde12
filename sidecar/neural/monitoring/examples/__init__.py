"""Four complete examples, offline and done in seconds: ``python -m neural.monitoring.examples.basic_monitoring``."""
