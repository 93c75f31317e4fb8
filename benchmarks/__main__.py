"""`python -m benchmarks`: everything that has a target, one after the other."""

from benchmarks import alerts, duties, inbound, passes, run, stream

if __name__ == "__main__":
    for measured in (run, alerts, duties, inbound, stream, passes):
        measured.main()
