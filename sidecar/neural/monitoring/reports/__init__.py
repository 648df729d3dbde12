"""What is written for others to read, from the answers of the views: a report for stakeholders, and SLA reports."""
