"""JSON Schema: validation of JSON texts, with bounds on the time that any schema and any text can take. Pure."""
