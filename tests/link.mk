# Tests of the path in use: transport, link, transfer, forward, pipe.

TRANSPORT_LIBS = natprobe/libtransport.a natprobe/libpunch.a natprobe/libprobe.a $(SHELL_LIBS) $(USRSCTP_LIBS) -lm
TRANSPORT_PAIR = tests/transport_ends.c tests/transport_ends.h tests/transport_pair.c tests/transport_pair.h

if CMOCKA
UNIT_TESTS += tests/test_sctp_hold
tests_test_sctp_hold_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_sctp_hold_LDADD = $(TRANSPORT_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_identity
tests_test_identity_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_identity_LDADD = $(TRANSPORT_LIBS) $(CMOCKA_LIBS)
endif

# Transports by libusrsctp, two in one process.
if CMOCKA
UNIT_TESTS += tests/test_transport
tests_test_transport_SOURCES = tests/test_transport.c $(TRANSPORT_PAIR)
tests_test_transport_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transport_LDADD = $(TRANSPORT_LIBS) $(CMOCKA_LIBS)
endif

if CMOCKA
UNIT_TESTS += tests/test_transport_hostile
tests_test_transport_hostile_SOURCES = tests/test_transport_hostile.c $(TRANSPORT_PAIR)
tests_test_transport_hostile_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transport_hostile_LDADD = $(TRANSPORT_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_transport_wire
tests_test_transport_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_transport_wire_LDADD = $(TRANSPORT_LIBS) $(CMOCKA_LIBS)
endif

FUZZ_TARGETS += tests/fuzz_dcep
tests_fuzz_dcep_SOURCES = tests/fuzz_dcep.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_dcep_LDADD = $(TRANSPORT_LIBS)
tests_fuzz_dcep_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_sctp_watch
tests_fuzz_sctp_watch_SOURCES = tests/fuzz_sctp_watch.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_sctp_watch_LDADD = $(TRANSPORT_LIBS)
tests_fuzz_sctp_watch_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_transport
tests_fuzz_transport_SOURCES = tests/fuzz_transport.c tests/fuzz_check.h \
	tests/transport_pair.c tests/transport_pair.h $(FUZZ_MAIN)
tests_fuzz_transport_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_fuzz_transport_LDADD = $(TRANSPORT_LIBS)
tests_fuzz_transport_LDFLAGS = $(FUZZ_LINK)

# A WebRTC peer that we did not write.
check_PROGRAMS += tests/transport_talk
tests_transport_talk_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_transport_talk_LDADD = $(TRANSPORT_LIBS)
SYSTEM_TESTS += tests/sys_aiortc.sh
EXTRA_DIST += tests/aiortc_peer.py

# A running link, and what attaches to it.
SYSTEM_TESTS += tests/sys_link.sh tests/sys_readme_link.sh
SYSTEM_TESTS += tests/sys_link_hostile.sh

if CMOCKA
UNIT_TESTS += tests/test_link_options
tests_test_link_options_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_link_options_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_pair_again
tests_test_pair_again_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_pair_again_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_address_watch
tests_test_address_watch_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_address_watch_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_link_user
tests_test_link_user_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_link_user_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_attach
tests_test_attach_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_attach_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_exchange tests/test_link_tag
tests_test_link_tag_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_link_tag_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_exchange_SOURCES = tests/test_exchange.c tests/fake_channels.c tests/fake_channels.h
tests_test_exchange_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_exchange_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
endif

# What is said on a link's socket, and on its path.
FUZZ_TARGETS += tests/fuzz_attach_wire
tests_fuzz_attach_wire_SOURCES = tests/fuzz_attach_wire.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_attach_wire_LDADD = $(PUNCH_LIBS)
tests_fuzz_attach_wire_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_link_path
tests_fuzz_link_path_SOURCES = tests/fuzz_link_path.c tests/fuzz_check.h tests/rng.h $(FUZZ_MAIN)
tests_fuzz_link_path_LDADD = $(PUNCH_LIBS)
tests_fuzz_link_path_LDFLAGS = $(FUZZ_LINK)

if CMOCKA
UNIT_TESTS += tests/test_attach_wire
tests_test_attach_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_attach_wire_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
LINK_PAIR = tests/link_pair.c tests/link_pair.h tests/rng.h
UNIT_TESTS += tests/test_link_path
tests_test_link_path_SOURCES = tests/test_link_path.c $(LINK_PAIR)
tests_test_link_path_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_link_path_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_link_width
tests_test_link_width_SOURCES = tests/test_link_width.c $(LINK_PAIR)
tests_test_link_width_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_link_width_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_link_listen
tests_test_link_listen_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_link_listen_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_link_ports
tests_test_link_ports_SOURCES = tests/test_link_ports.c tests/fake_channels.c tests/fake_channels.h
tests_test_link_ports_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_link_ports_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
endif

# The examples of doc/link.md, so that they stay true.
SYSTEM_TESTS += tests/sys_link_examples.sh tests/sys_link_ports.sh
check_PROGRAMS += tests/echo-server tests/echo-client
tests_echo_server_SOURCES = doc/examples/link/echo-server.c
tests_echo_client_SOURCES = doc/examples/link/echo-client.c

# pipe
SYSTEM_TESTS += tests/sys_pipe.sh
FUZZ_TARGETS += tests/fuzz_pipe_wire
tests_fuzz_pipe_wire_SOURCES = tests/fuzz_pipe_wire.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_pipe_wire_LDADD = $(PUNCH_LIBS)
tests_fuzz_pipe_wire_LDFLAGS = $(FUZZ_LINK)

if CMOCKA
UNIT_TESTS += tests/test_pipe_wire
tests_test_pipe_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_pipe_wire_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_pipe
tests_test_pipe_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_pipe_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
endif

# forward
SYSTEM_TESTS += tests/sys_forward.sh
FUZZ_TARGETS += tests/fuzz_forward
tests_fuzz_forward_SOURCES = tests/fuzz_forward.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_forward_LDADD = $(PUNCH_LIBS)
tests_fuzz_forward_LDFLAGS = $(FUZZ_LINK)

if CMOCKA
UNIT_TESTS += tests/test_forward_spec
tests_test_forward_spec_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_forward_spec_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_forward_report
tests_test_forward_report_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_forward_report_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_port_forward
tests_test_port_forward_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_port_forward_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
endif

# Transfers beside each other.
SYSTEM_TESTS += tests/sys_link_share.sh
