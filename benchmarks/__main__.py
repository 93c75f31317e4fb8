"""`python -m benchmarks`: onegrid beside the floor, on one machine, database and pool."""

from benchmarks.run import main

if __name__ == "__main__":
    main()
