# Tests of meeting a peer and punching.
EXTRA_DIST += tests/sim_pair.h

if CMOCKA
UNIT_TESTS += tests/test_check
tests_test_check_SOURCES = tests/test_check.c
tests_test_check_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_check_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif
