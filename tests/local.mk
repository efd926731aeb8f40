# Unit tests (cmocka): one program per module, tests/test_MODULE. Those of codec and decisions
# link CORE_LIBS alone, so that a call into libevent or a socket does not even link.
UNIT_TESTS =
# Scripts that run real programs; they exit 77 and name the reason where they cannot run.
SYSTEM_TESTS =

AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; builddir='$(builddir)'; export srcdir builddir;

if CMOCKA
endif

check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS) $(SYSTEM_TESTS)
EXTRA_DIST += $(SYSTEM_TESTS)

.PHONY: check-unit
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS)'
