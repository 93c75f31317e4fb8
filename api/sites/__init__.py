"""Sampling and vaccination sites: sessions, staffing, counts, problems, home sampling."""
