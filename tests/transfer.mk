# Files from one side to the other one: natprobe send and receive.
FUZZ_TARGETS += tests/fuzz_safe_name
tests_fuzz_safe_name_SOURCES = tests/fuzz_safe_name.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_safe_name_LDADD = $(PUNCH_LIBS)
tests_fuzz_safe_name_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_transfer
tests_fuzz_transfer_SOURCES = tests/fuzz_transfer.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_transfer_LDADD = $(PUNCH_LIBS)
tests_fuzz_transfer_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_transfer_wire
tests_fuzz_transfer_wire_SOURCES = tests/fuzz_transfer_wire.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_transfer_wire_LDADD = $(PUNCH_LIBS)
tests_fuzz_transfer_wire_LDFLAGS = $(FUZZ_LINK)

if CMOCKA
UNIT_TESTS += tests/test_safe_name
tests_test_safe_name_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_safe_name_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_transfer_wire
tests_test_transfer_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transfer_wire_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_manifest
tests_test_manifest_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_manifest_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_transfer
tests_test_transfer_SOURCES = tests/test_transfer.c \
	tests/transfer_fixture.c tests/transfer_fixture.h
tests_test_transfer_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transfer_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_transfer_rate
tests_test_transfer_rate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transfer_rate_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_file_place
tests_test_file_place_SOURCES = tests/test_file_place.c \
	natprobe/transfer/file_place.c natprobe/transfer/file_place.h \
	natprobe/transfer/file_place_none.c
tests_test_file_place_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_file_place_LDADD = $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_transfer_io
tests_test_transfer_io_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transfer_io_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_transfer_ask
tests_test_transfer_ask_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transfer_ask_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_transfer_hostile
tests_test_transfer_hostile_SOURCES = tests/test_transfer_hostile.c \
	tests/transfer_fixture.c tests/transfer_fixture.h
tests_test_transfer_hostile_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transfer_hostile_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

SYSTEM_TESTS += tests/sys_transfer.sh
