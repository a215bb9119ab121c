# Every case of deadlock_pairs*.c, with its fault and without; see tests/e2e/pairs.
exec sh tests/e2e/pairs deadlock_pairs
