"""`python -m benchmarks`: onegrid beside the floor, and how soon everybody hears what happened."""

from benchmarks import run, stream

if __name__ == "__main__":
    run.main()
    stream.main()
