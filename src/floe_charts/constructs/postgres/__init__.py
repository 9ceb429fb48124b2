"""PostgreSQL, the database of the other parts."""
