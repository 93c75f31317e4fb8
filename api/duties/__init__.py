"""What is due, for whom and by when: derived from the records, never kept beside them."""
