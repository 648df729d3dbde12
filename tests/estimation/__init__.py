"""How far estimates of performance without labels are from what labels say later, beside NannyML on the same data."""
