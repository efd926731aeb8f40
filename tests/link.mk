# Tests of the path in use: transport, link, transfer, forward, pipe.

TRANSPORT_LIBS = natprobe/libtransport.a $(PUNCH_LIBS) $(USRSCTP_LIBS)

if CMOCKA
UNIT_TESTS += tests/test_identity
tests_test_identity_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_identity_LDADD = $(TRANSPORT_LIBS) $(CMOCKA_LIBS)
endif
