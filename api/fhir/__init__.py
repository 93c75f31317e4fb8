"""A read-only view of the township in FHIR R4."""
