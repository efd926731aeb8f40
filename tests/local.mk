# Unit tests (cmocka): one program per module, tests/test_MODULE. Those of codec and decisions
# link CORE_LIBS alone, so that a call into libevent or a socket does not even link.
UNIT_TESTS =
# Scripts that run real programs; they exit 77 and name the reason where they cannot run.
SYSTEM_TESTS =

AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; builddir='$(builddir)'; export srcdir builddir;

if CMOCKA
UNIT_TESTS += \
	tests/test_opt \
	tests/test_opt_args
# natprobe
UNIT_TESTS += tests/test_iface
tests_test_iface_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_iface_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += \
	tests/test_crc32 \
	tests/test_stun_txn \
	tests/test_stun_uri \
	tests/test_stun_vectors
tests_test_crc32_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_crc32_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_txn_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_txn_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_uri_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_uri_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_vectors_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_vectors_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
endif

tests_test_opt_SOURCES = tests/test_opt.c tests/opt_fixture.c tests/opt_fixture.h
tests_test_opt_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_opt_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

tests_test_opt_args_SOURCES = tests/test_opt_args.c tests/opt_fixture.c tests/opt_fixture.h
tests_test_opt_args_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_opt_args_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS) $(SYSTEM_TESTS)
EXTRA_DIST += $(SYSTEM_TESTS)

.PHONY: check-unit
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS)'
