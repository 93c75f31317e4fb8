"""`python -m benchmarks`: everything that has a target, one after the other."""

from benchmarks import alerts, duties, run, stream

if __name__ == "__main__":
    for measured in (run, alerts, duties, stream):
        measured.main()
