"""The demonstration township: invented people on whom the whole service can be tried."""
