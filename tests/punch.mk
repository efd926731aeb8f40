# Tests of meeting a peer and punching.
EXTRA_DIST += tests/sim_pair.h
