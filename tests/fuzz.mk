# Fuzz targets: tests/fuzz_ENTRY.c with seeds in tests/corpus/ENTRY/ and perhaps a dictionary
# tests/corpus/ENTRY.dict. `make check` replays the seeds; with --enable-fuzzers the targets are
# libFuzzer programs, and `make fuzz FUZZ_SECONDS=60` runs each; FUZZ_FLAGS=--memory: those that
# MemorySanitizer can judge.
FUZZ_TARGETS =
if FUZZERS
FUZZ_MAIN =
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz_replay.c
FUZZ_LINK = $(AM_LDFLAGS)
endif

FUZZ_TARGETS += tests/fuzz_addr
tests_fuzz_addr_SOURCES = tests/fuzz_addr.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_addr_LDADD = $(CORE_LIBS)
tests_fuzz_addr_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_cidr
tests_fuzz_cidr_SOURCES = tests/fuzz_cidr.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_cidr_LDADD = $(CORE_LIBS)
tests_fuzz_cidr_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_coop
tests_fuzz_coop_SOURCES = tests/fuzz_coop.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_coop_LDADD = $(COOP_LIBS)
tests_fuzz_coop_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_dtls
tests_fuzz_dtls_SOURCES = tests/fuzz_dtls.c tests/fuzz_check.h tests/cert.c tests/cert.h \
	$(FUZZ_MAIN)
tests_fuzz_dtls_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_fuzz_dtls_LDADD = $(SHELL_LIBS)
tests_fuzz_dtls_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_dtls_hello
tests_fuzz_dtls_hello_SOURCES = tests/fuzz_dtls_hello.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_dtls_hello_LDADD = $(CORE_LIBS)
tests_fuzz_dtls_hello_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_natlab
tests_fuzz_natlab_SOURCES = tests/fuzz_natlab.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_natlab_LDADD = $(NATLAB_LIBS)
tests_fuzz_natlab_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_natlab_names
tests_fuzz_natlab_names_SOURCES = tests/fuzz_natlab_names.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_natlab_names_LDADD = $(NATLAB_LIBS)
tests_fuzz_natlab_names_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_nat_model
tests_fuzz_nat_model_SOURCES = tests/fuzz_nat_model.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_nat_model_LDADD = $(NAT_LIBS)
tests_fuzz_nat_model_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_nonce
tests_fuzz_nonce_SOURCES = tests/fuzz_nonce.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_nonce_LDADD = $(TURND_CORE_LIBS)
tests_fuzz_nonce_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_opaque
tests_fuzz_opaque_SOURCES = tests/fuzz_opaque.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_opaque_LDADD = $(CORE_LIBS)
tests_fuzz_opaque_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_log_line
tests_fuzz_log_line_SOURCES = tests/fuzz_log_line.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_log_line_LDADD = $(SHELL_LIBS)
tests_fuzz_log_line_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_opt
tests_fuzz_opt_SOURCES = tests/fuzz_opt.c tests/fuzz_check.h \
	tests/opt_fixture.c tests/opt_fixture.h $(FUZZ_MAIN)
tests_fuzz_opt_LDADD = $(SHELL_LIBS)
tests_fuzz_opt_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_expect
tests_fuzz_expect_SOURCES = tests/fuzz_expect.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_expect_LDADD = $(PROBE_LIBS)
tests_fuzz_expect_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_report
tests_fuzz_report_SOURCES = tests/fuzz_report.c tests/fuzz_check.h \
	tests/page_law.c tests/page_law.h $(FUZZ_MAIN)
tests_fuzz_report_LDADD = $(PROBE_SHELL_LIBS)
tests_fuzz_report_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_twin
tests_fuzz_twin_SOURCES = tests/fuzz_twin.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_twin_LDADD = $(TWIN_LIBS)
tests_fuzz_twin_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_stun_auth
tests_fuzz_stun_auth_SOURCES = tests/fuzz_stun_auth.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_stun_auth_LDADD = $(CORE_LIBS)
tests_fuzz_stun_auth_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_discover
tests_fuzz_discover_SOURCES = tests/fuzz_discover.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_discover_LDADD = $(PROBE_LIBS)
tests_fuzz_discover_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_deep
tests_fuzz_deep_SOURCES = tests/fuzz_deep.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_deep_LDADD = $(PROBE_LIBS)
tests_fuzz_deep_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_partner
tests_fuzz_partner_SOURCES = tests/fuzz_partner.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_partner_LDADD = $(PARTNER_LIBS)
tests_fuzz_partner_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_policy
tests_fuzz_policy_SOURCES = tests/fuzz_policy.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_policy_LDADD = $(TURND_CORE_LIBS)
tests_fuzz_policy_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_portmap
tests_fuzz_portmap_SOURCES = tests/fuzz_portmap.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_portmap_LDADD = $(PROBE_LIBS)
tests_fuzz_portmap_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_lease
tests_fuzz_lease_SOURCES = tests/fuzz_lease.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_lease_LDADD = $(PROBE_LIBS)
tests_fuzz_lease_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_lease_record
tests_fuzz_lease_record_SOURCES = tests/fuzz_lease_record.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_lease_record_LDADD = $(PROBE_LIBS)
tests_fuzz_lease_record_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_port_packet
tests_fuzz_port_packet_SOURCES = tests/fuzz_port_packet.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_port_packet_LDADD = $(PROBE_LIBS)
tests_fuzz_port_packet_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_reach_trial
tests_fuzz_reach_trial_SOURCES = tests/fuzz_reach_trial.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_reach_trial_LDADD = $(PROBE_LIBS)
tests_fuzz_reach_trial_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_stun_msg
tests_fuzz_stun_msg_SOURCES = tests/fuzz_stun_msg.c tests/fuzz_check.h \
	tests/attr_copy.c tests/attr_copy.h $(FUZZ_MAIN)
tests_fuzz_stun_msg_LDADD = $(CORE_LIBS)
tests_fuzz_stun_msg_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_stun_server
tests_fuzz_stun_server_SOURCES = tests/fuzz_stun_server.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_stun_server_LDADD = $(CORE_LIBS)
tests_fuzz_stun_server_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_turn_client
tests_fuzz_turn_client_SOURCES = tests/fuzz_turn_client.c tests/fuzz_check.h \
	tests/turn_fake.c tests/turn_fake.h $(FUZZ_MAIN)
tests_fuzz_turn_client_LDADD = $(CORE_LIBS)
tests_fuzz_turn_client_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_vantage
tests_fuzz_vantage_SOURCES = tests/fuzz_vantage.c tests/fuzz_check.h tests/sim_turn.c \
	tests/sim_turn.h $(FUZZ_MAIN)
tests_fuzz_vantage_LDADD = tests/libsim.a tests/libnat.a natprobe/libprobe.a $(TURND_RIG_LIBS) -lm
tests_fuzz_vantage_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_relay_trial
tests_fuzz_relay_trial_SOURCES = tests/fuzz_relay_trial.c tests/fuzz_check.h tests/relay_net.c \
	tests/relay_net.h $(FUZZ_MAIN)
tests_fuzz_relay_trial_LDADD = natprobe/libprobe.a $(TURND_RIG_LIBS) -lm
tests_fuzz_relay_trial_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_turn_resolve
tests_fuzz_turn_resolve_SOURCES = tests/fuzz_turn_resolve.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_turn_resolve_LDADD = $(CORE_LIBS)
tests_fuzz_turn_resolve_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_stun_stream
tests_fuzz_stun_stream_SOURCES = tests/fuzz_stun_stream.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_stun_stream_LDADD = $(CORE_LIBS)
tests_fuzz_stun_stream_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_stun_uri
tests_fuzz_stun_uri_SOURCES = tests/fuzz_stun_uri.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_stun_uri_LDADD = $(CORE_LIBS)
tests_fuzz_stun_uri_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_turn_chan
tests_fuzz_turn_chan_SOURCES = tests/fuzz_turn_chan.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_turn_chan_LDADD = $(CORE_LIBS)
tests_fuzz_turn_chan_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_portal
tests_fuzz_portal_SOURCES = tests/fuzz_portal.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_portal_LDADD = $(PROBE_LIBS)
tests_fuzz_portal_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_proxy_header
tests_fuzz_proxy_header_SOURCES = tests/fuzz_proxy_header.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_proxy_header_LDADD = $(CORE_LIBS)
tests_fuzz_proxy_header_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_ssdp
tests_fuzz_ssdp_SOURCES = tests/fuzz_ssdp.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_ssdp_LDADD = $(PROBE_LIBS)
tests_fuzz_ssdp_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_udp_packet
tests_fuzz_udp_packet_SOURCES = tests/fuzz_udp_packet.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_udp_packet_LDADD = $(PROBE_LIBS)
tests_fuzz_udp_packet_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_ticket
tests_fuzz_ticket_SOURCES = tests/fuzz_ticket.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_ticket_LDADD = $(TURND_CORE_LIBS)
tests_fuzz_ticket_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_token
tests_fuzz_token_SOURCES = tests/fuzz_token.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_token_LDADD = $(TURND_CORE_LIBS)
tests_fuzz_token_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_turnd
tests_fuzz_turnd_SOURCES = tests/fuzz_turnd.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_turnd_LDADD = $(TURND_RIG_LIBS)
tests_fuzz_turnd_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_users
tests_fuzz_users_SOURCES = tests/fuzz_users.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_users_LDADD = $(TURND_CORE_LIBS)
tests_fuzz_users_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_turnd_files
tests_fuzz_turnd_files_SOURCES = tests/fuzz_turnd_files.c tests/fuzz_check.h tests/fuzz_rows.h \
	$(FUZZ_MAIN)
if SQLITE3
tests_fuzz_turnd_files_SOURCES += tests/fuzz_rows.c
else
tests_fuzz_turnd_files_SOURCES += tests/fuzz_rows_none.c
endif
tests_fuzz_turnd_files_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(SQLITE3_CFLAGS)
tests_fuzz_turnd_files_LDADD = $(TURND_CONF_LIBS)
tests_fuzz_turnd_files_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_operator
tests_fuzz_operator_SOURCES = tests/fuzz_operator.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_operator_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
tests_fuzz_operator_LDADD = $(TURND_CONTROL_LIBS)
tests_fuzz_operator_LDFLAGS = $(FUZZ_LINK)

check_PROGRAMS += $(FUZZ_TARGETS)
TESTS += tests/replay_corpus.sh
EXTRA_DIST += tests/corpus tests/replay_corpus.sh tests/run_fuzzers.sh

FUZZ_SECONDS = 60
.PHONY: fuzz
if FUZZERS
fuzz: $(FUZZ_TARGETS)
	srcdir='$(srcdir)' $(srcdir)/tests/run_fuzzers.sh $(FUZZ_FLAGS) $(FUZZ_SECONDS) $(FUZZ_TARGETS)
else
fuzz:
	@echo 'make fuzz needs libFuzzer: run configure with CC=clang --enable-fuzzers'; exit 1
endif
