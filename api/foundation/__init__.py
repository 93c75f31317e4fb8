"""What every room stands on, with no word of the field in it."""
