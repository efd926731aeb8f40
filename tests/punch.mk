# Tests of meeting a peer and punching.
EXTRA_DIST += tests/sim_pair.h

if CMOCKA
UNIT_TESTS += tests/test_check
tests_test_check_SOURCES = tests/test_check.c
tests_test_check_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_check_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

# What peers tell each other.
if CMOCKA
UNIT_TESTS += tests/test_peer_facts tests/test_peer_wire
tests_test_peer_facts_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_peer_facts_LDADD = natprobe/libpunch.a $(SIM_DEEP_LIBS) $(CMOCKA_LIBS)
tests_test_peer_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_peer_wire_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

FUZZ_TARGETS += tests/fuzz_peer_offer
tests_fuzz_peer_offer_SOURCES = tests/fuzz_peer_offer.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_peer_offer_LDADD = $(PUNCH_LIBS)
tests_fuzz_peer_offer_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_peer_profile
tests_fuzz_peer_profile_SOURCES = tests/fuzz_peer_profile.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_peer_profile_LDADD = $(PUNCH_LIBS)
tests_fuzz_peer_profile_LDFLAGS = $(FUZZ_LINK)
