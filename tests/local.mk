# Unit tests (cmocka): one program per module, tests/test_MODULE. Those of codec and decisions
# link CORE_LIBS alone, so that a call into libevent or a socket does not even link.
UNIT_TESTS =
# Scripts that run real programs; they exit 77 and name the reason where they cannot run.
SYSTEM_TESTS =
SYSTEM_TESTS += tests/check_man.sh tests/sys_packaging.sh
SYSTEM_TESTS += tests/check_conformance.sh tests/check_security.sh tests/check_source.sh
SYSTEM_TESTS += tests/sys_expect.sh tests/sys_expect_lab.sh
SYSTEM_TESTS += tests/sys_html.sh
SYSTEM_TESTS += tests/sys_natprobe.sh tests/sys_resolve.sh
SYSTEM_TESTS += tests/sys_route.sh tests/sys_own_source.sh tests/sys_upnp.sh
SYSTEM_TESTS += tests/sys_map.sh tests/sys_reach.sh
SYSTEM_TESTS += tests/sys_beside.sh tests/sys_watch.sh tests/sys_deep.sh
SYSTEM_TESTS += tests/sys_stund.sh
SYSTEM_TESTS += tests/sys_coop.sh
SYSTEM_TESTS += tests/sys_partner.sh
SYSTEM_TESTS += tests/sys_udp_path.sh tests/sys_turnd_path.sh
SYSTEM_TESTS += tests/sys_turn_client.sh
SYSTEM_TESTS += tests/sys_turnd.sh
SYSTEM_TESTS += tests/sys_readme.sh
SYSTEM_TESTS += tests/sys_turnd_discovery.sh
SYSTEM_TESTS += tests/sys_turnd_odd.sh
SYSTEM_TESTS += tests/sys_turnd_tools.sh
SYSTEM_TESTS += tests/sys_turnd_user.sh
SYSTEM_TESTS += tests/sys_turnd_proxy.sh
SYSTEM_TESTS += tests/sys_turnd_flood.sh tests/sys_turnd_attack.sh tests/sys_turnd_secrets.sh
SYSTEM_TESTS += tests/sys_turnd_tcp.sh
SYSTEM_TESTS += tests/sys_channel_sizes.sh
SYSTEM_TESTS += tests/sys_relay.sh
SYSTEM_TESTS += tests/sys_relay_turnd.sh

# The NAT model, for simulations and for natlab.
noinst_LIBRARIES += tests/libnat.a
tests_libnat_a_SOURCES = \
	tests/nat_64.c \
	tests/nat_66.c \
	tests/nat_alg.c \
	tests/nat_alloc.c \
	tests/nat_box.c \
	tests/nat_frag.c \
	tests/nat_icmp.c \
	tests/nat_link.c tests/nat_link.h \
	tests/nat_map.c \
	tests/nat_model.c tests/nat_model.h \
	tests/nat_pcp.c \
	tests/nat_portmap.c \
	tests/nat_react.c \
	tests/nat_state.h \
	tests/nat_tcp.c \
	tests/nat_translate.c \
	tests/packet.c tests/packet.h \
	tests/packet_build.c \
	tests/rng.h
NAT_LIBS = tests/libnat.a $(CORE_LIBS)

# Networks with a known truth, and one such network on a virtual clock.
NAT_PROFILES = \
	tests/nat_plan.c \
	tests/nat_profile.c tests/nat_profile.h \
	tests/nat_profile_basic.inc \
	tests/nat_profile_carrier.inc \
	tests/nat_profile_deep.inc \
	tests/nat_profile_kernel.inc \
	tests/nat_profile_ports.inc \
	tests/nat_profile_special.inc \
	tests/nat_random.c \
	tests/nat_truth.c tests/nat_truth.h \
	tests/nat_truth_deep.c tests/nat_truth_deep.h \
	tests/nat_truth_path.c \
	tests/nat_link.h tests/nat_model.h tests/rng.h
check_LIBRARIES += tests/libsim.a
tests_libsim_a_SOURCES = \
	tests/sim_host.c \
	tests/sim_net.c tests/sim_net.h \
	tests/sim_parts.h \
	tests/sim_path.c \
	tests/sim_queue.c tests/sim_queue.h \
	tests/sim_relay.c \
	tests/sim_server.c \
	tests/sim_tcp.c \
	tests/sim_trace.c tests/sim_trace.h \
	tests/sim_vantage.c \
	tests/sim_way.c tests/sim_way.h \
	tests/natlab/hop.c tests/natlab/hop.h \
	$(NAT_PROFILES)
SIM_LIBS = tests/libsim.a tests/libnat.a $(PROBE_LIBS)

# The same for a deep diagnosis, with a server that cooperates.
check_LIBRARIES += tests/libsimdeep.a
tests_libsimdeep_a_SOURCES = \
	tests/sim_deep.c tests/sim_deep.h \
	tests/sim_deep_host.c \
	tests/sim_deep_parts.h \
	tests/sim_deep_pieces.c \
	tests/sim_deep_tcp.c \
	tests/sim_deep_server.c
SIM_DEEP_LIBS = tests/libsimdeep.a tests/libsim.a tests/libnat.a stund/libcoop.a $(PROBE_LIBS)
check_PROGRAMS += tests/deep_show
tests_deep_show_LDADD = $(SIM_DEEP_LIBS)

# the workers of a turnd, and clients of them
check_LIBRARIES += tests/libturnd_rig.a
tests_libturnd_rig_a_SOURCES = \
	tests/fuzz_check.h \
	tests/rng.h \
	tests/turn_story.c tests/turn_story.h \
	tests/turnd_rig.c tests/turnd_rig.h \
	tests/turnd_rig_client.c
TURND_RIG_LIBS = tests/libturnd_rig.a $(TURND_CORE_LIBS)
TURND_KIT = tests/turnd_kit.c tests/turnd_kit.h
TURN_ONE = tests/turn_one.c tests/turn_one.h
TURN_MOVE = tests/turn_move.c tests/turn_move.h

# Shows one diagnosis packet by packet.
check_PROGRAMS += tests/sim_show
tests_sim_show_LDADD = $(SIM_LIBS)

AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; builddir='$(builddir)'; export srcdir builddir; \
	FUZZ_TARGETS='$(FUZZ_TARGETS)'; export FUZZ_TARGETS;

if CMOCKA
# the codec
UNIT_TESTS += \
	tests/test_addr \
	tests/test_no_alloc \
	tests/test_stun \
	tests/test_stun_attr \
	tests/test_stun_attr_values \
	tests/test_stun_msg \
	tests/test_stun_stream \
	tests/test_turn_chan \
	tests/test_wire
tests_test_addr_SOURCES = tests/test_addr.c tests/rng.h
tests_test_addr_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_addr_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_no_alloc_SOURCES = tests/test_no_alloc.c tests/codec_load.c tests/codec_load.h \
	$(ALLOC_COUNT)
tests_test_no_alloc_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_no_alloc_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_attr_SOURCES = tests/test_stun_attr.c tests/attr_copy.c tests/attr_copy.h \
	tests/attr_sample.h tests/rng.h
tests_test_stun_attr_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_attr_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_attr_values_SOURCES = tests/test_stun_attr_values.c tests/attr_sample.h
tests_test_stun_attr_values_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_attr_values_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_msg_SOURCES = tests/test_stun_msg.c tests/rng.h
tests_test_stun_msg_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_msg_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stun_stream_SOURCES = tests/test_stun_stream.c tests/rng.h
tests_test_stun_stream_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_stream_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_turn_chan_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turn_chan_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_wire_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

# messages and their transactions
UNIT_TESTS += tests/test_coop
tests_test_coop_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_coop_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

# a cooperating server, with a clock moved by hand
COOP_KIT = tests/coop_kit.c tests/coop_kit.h
UNIT_TESTS += tests/test_coop_server
tests_test_coop_server_SOURCES = tests/test_coop_server.c $(COOP_KIT)
tests_test_coop_server_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_coop_server_LDADD = $(COOP_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_coop_abuse
tests_test_coop_abuse_SOURCES = tests/test_coop_abuse.c $(COOP_KIT) tests/rng.h
tests_test_coop_abuse_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_coop_abuse_LDADD = $(COOP_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_coop_try
tests_test_coop_try_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_coop_try_LDADD = $(STUND_LIBS) $(CMOCKA_LIBS)
# The fallback, in place of what the library has.
UNIT_TESTS += tests/test_coop_try_none
tests_test_coop_try_none_SOURCES = tests/test_coop_try.c stund/coop_raw_none.c stund/coop_raw.h
tests_test_coop_try_none_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_coop_try_none_LDADD = $(STUND_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_coop_packet
tests_test_coop_packet_SOURCES = tests/test_coop_packet.c tests/rng.h
tests_test_coop_packet_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_coop_packet_LDADD = stund/libcoop.a $(NAT_LIBS) $(CMOCKA_LIBS)

# two servers that are one, with clocks of their own
PARTNER_KIT = tests/partner_kit.c tests/partner_kit.h tests/rng.h
UNIT_TESTS += tests/test_partner
tests_test_partner_SOURCES = tests/test_partner.c $(PARTNER_KIT)
tests_test_partner_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_partner_LDADD = $(PARTNER_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_partner_session
tests_test_partner_session_SOURCES = tests/test_partner_session.c $(PARTNER_KIT)
tests_test_partner_session_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_partner_session_LDADD = $(PARTNER_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_partner_hand
tests_test_partner_hand_SOURCES = tests/test_partner_hand.c $(PARTNER_KIT)
tests_test_partner_hand_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_partner_hand_LDADD = $(PARTNER_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_partner_board
tests_test_partner_board_SOURCES = tests/test_partner_board.c $(PARTNER_KIT) $(ALLOC_COUNT)
tests_test_partner_board_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_partner_board_LDADD = $(STUND_LIBS) $(CMOCKA_LIBS) -lpthread

UNIT_TESTS += tests/test_partner_key
tests_test_partner_key_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_partner_key_LDADD = $(STUND_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_crc32
tests_test_crc32_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_crc32_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_base64
tests_test_base64_SOURCES = tests/test_base64.c tests/rng.h
tests_test_base64_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_base64_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_opaque
tests_test_opaque_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_opaque_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stun_auth
tests_test_stun_auth_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_stun_auth_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stun_feature
tests_test_stun_feature_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_feature_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stun_txn
tests_test_stun_txn_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_txn_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_addr_special
tests_test_addr_special_SOURCES = tests/test_addr_special.c tests/rng.h
tests_test_addr_special_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_addr_special_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_cidr
tests_test_cidr_SOURCES = tests/test_cidr.c tests/rng.h
tests_test_cidr_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_cidr_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_wheel
tests_test_wheel_SOURCES = tests/test_wheel.c tests/rng.h
tests_test_wheel_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_wheel_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

# the TURN client, and a server that misbehaves on purpose
TURN_FAKE = tests/turn_fake.c tests/turn_fake.h tests/fuzz_check.h
UNIT_TESTS += tests/test_turn_client
tests_test_turn_client_SOURCES = tests/test_turn_client.c $(TURN_FAKE)
tests_test_turn_client_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turn_client_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turn_client_auth
tests_test_turn_client_auth_SOURCES = tests/test_turn_client_auth.c $(TURN_FAKE)
tests_test_turn_client_auth_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turn_client_auth_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turn_client_peer
tests_test_turn_client_peer_SOURCES = tests/test_turn_client_peer.c $(TURN_FAKE)
tests_test_turn_client_peer_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turn_client_peer_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat64
tests_test_nat64_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat64_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stun_uri
tests_test_stun_uri_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_uri_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

# Trials of a TURN server, here a turnd.
UNIT_TESTS += tests/scen_relay
tests_scen_relay_SOURCES = tests/scen_relay.c tests/relay_net.c tests/relay_net.h \
	tests/fuzz_check.h
tests_scen_relay_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_relay_LDADD = natprobe/libprobe.a $(TURND_RIG_LIBS) -lm $(CMOCKA_LIBS)

# A TURN server as the second place to look from.
SYSTEM_TESTS += tests/sys_turn_vantage.sh
UNIT_TESTS += tests/scen_vantage
tests_scen_vantage_SOURCES = tests/scen_vantage.c tests/sim_check.c tests/sim_check.h \
	tests/sim_turn.c tests/sim_turn.h \
	tests/fuzz_check.h
tests_scen_vantage_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_vantage_LDADD = tests/libsim.a tests/libnat.a natprobe/libprobe.a $(TURND_RIG_LIBS) \
	-lm $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_prompt
tests_test_prompt_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_prompt_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_relay_secrets
tests_test_relay_secrets_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_relay_secrets_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turn_resolve
tests_test_turn_resolve_SOURCES = tests/test_turn_resolve.c tests/rng.h
tests_test_turn_resolve_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turn_resolve_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stun_vectors
tests_test_stun_vectors_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_vectors_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

# what programs stand on: options, limits, log
UNIT_TESTS += \
	tests/test_admin \
	tests/test_limit \
	tests/test_log \
	tests/test_metrics \
	tests/test_opt \
	tests/test_opt_args \
	tests/test_priv \
	tests/test_siphash \
	tests/test_worker
tests_test_admin_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_admin_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_limit_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_limit_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_log_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_log_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_metrics_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_metrics_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_opt_SOURCES = tests/test_opt.c tests/opt_fixture.c tests/opt_fixture.h
tests_test_opt_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_opt_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_opt_args_SOURCES = tests/test_opt_args.c tests/opt_fixture.c tests/opt_fixture.h
tests_test_opt_args_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_opt_args_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_priv_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_priv_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_siphash_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_siphash_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_worker_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_worker_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)

# wires: datagrams, streams, TLS
UNIT_TESTS += \
	tests/test_dtls_cookie \
	tests/test_dtls_crowd \
	tests/test_dtls_handshake \
	tests/test_dtls_hello \
	tests/test_dtls_session \
	tests/test_per_source \
	tests/test_proxy_header \
	tests/test_sockaddr \
	tests/test_stream \
	tests/test_splice \
	tests/test_stream_limits \
	tests/test_stream_proxy \
	tests/test_stream_raw \
	tests/test_stream_tls \
	tests/test_tls \
	tests/test_udp \
	tests/test_udp_portable
tests_test_dtls_cookie_SOURCES = tests/test_dtls_cookie.c tests/dtls_net.c tests/dtls_net.h \
	tests/cert.c tests/cert.h
tests_test_dtls_cookie_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_dtls_cookie_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_dtls_crowd_SOURCES = tests/test_dtls_crowd.c tests/dtls_net.c tests/dtls_net.h \
	tests/cert.c tests/cert.h
tests_test_dtls_crowd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_dtls_crowd_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_dtls_handshake_SOURCES = tests/test_dtls_handshake.c tests/dtls_net.c tests/dtls_net.h \
	tests/cert.c tests/cert.h
tests_test_dtls_handshake_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_dtls_handshake_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_dtls_hello_SOURCES = tests/test_dtls_hello.c
tests_test_dtls_hello_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_dtls_hello_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_dtls_session_SOURCES = tests/test_dtls_session.c tests/dtls_net.c tests/dtls_net.h \
	tests/cert.c tests/cert.h
tests_test_dtls_session_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_dtls_session_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_per_source_SOURCES = tests/test_per_source.c
tests_test_per_source_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_per_source_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_sockaddr_SOURCES = tests/test_sockaddr.c
tests_test_sockaddr_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_sockaddr_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_stream_SOURCES = tests/test_stream.c tests/stream_echo.c tests/stream_echo.h \
	tests/cert.c tests/cert.h
tests_test_stream_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_stream_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_stream_limits_SOURCES = tests/test_stream_limits.c tests/stream_echo.c tests/stream_echo.h \
	tests/cert.c tests/cert.h
tests_test_stream_limits_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_stream_limits_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_proxy_header_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_proxy_header_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)
tests_test_stream_proxy_SOURCES = tests/test_stream_proxy.c tests/stream_echo.c tests/stream_echo.h \
	tests/tls_client.c tests/tls_client.h tests/cert.c tests/cert.h
tests_test_stream_proxy_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_stream_proxy_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_stream_raw_SOURCES = tests/test_stream_raw.c tests/stream_echo.c tests/stream_echo.h \
	tests/cert.c tests/cert.h
tests_test_stream_raw_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_stream_raw_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_splice_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_splice_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_dial
tests_test_dial_SOURCES = tests/test_dial.c tests/stream_echo.c tests/stream_echo.h \
	tests/cert.c tests/cert.h
tests_test_dial_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_dial_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_stream_tls_SOURCES = tests/test_stream_tls.c tests/stream_echo.c tests/stream_echo.h \
	tests/tls_client.c tests/tls_client.h \
	tests/cert.c tests/cert.h
tests_test_stream_tls_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_stream_tls_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_tls_SOURCES = tests/test_tls.c tests/cert.c tests/cert.h
tests_test_tls_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_tls_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_udp_SOURCES = tests/test_udp.c
tests_test_udp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_udp_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
# The fallback, in place of what the library has.
tests_test_udp_portable_SOURCES = tests/test_udp.c lib/udp_portable.c
tests_test_udp_portable_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_udp_portable_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
if BATCHED_UDP
UNIT_TESTS += tests/test_load
tests_test_load_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_load_LDADD = $(SHELL_LIBS) $(CMOCKA_LIBS)
endif

# the NAT model
NAT_RIG = tests/nat_rig.c tests/nat_rig.h
UNIT_TESTS += tests/test_nat_model
tests_test_nat_model_SOURCES = tests/test_nat_model.c $(NAT_RIG)
tests_test_nat_model_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_model_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

# the simulated network
UNIT_TESTS += tests/test_sim_net
tests_test_sim_net_SOURCES = tests/test_sim_net.c tests/sim_check.c tests/sim_check.h
tests_test_sim_net_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_sim_net_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_unseen
tests_test_unseen_SOURCES = tests/test_unseen.c tests/score.c tests/score.h \
	$(UNSEEN)
tests_test_unseen_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_unseen_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_tcp
tests_test_nat_tcp_SOURCES = tests/test_nat_tcp.c $(NAT_RIG)
tests_test_nat_tcp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_tcp_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_66
tests_test_nat_66_SOURCES = tests/test_nat_66.c $(NAT_RIG)
tests_test_nat_66_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_66_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_nat_64
tests_test_nat_64_SOURCES = tests/test_nat_64.c $(NAT_RIG)
tests_test_nat_64_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_64_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_packet
tests_test_packet_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_packet_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_link
tests_test_nat_link_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_link_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_portmap
tests_test_nat_portmap_SOURCES = tests/test_nat_portmap.c $(NAT_RIG)
tests_test_nat_portmap_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_portmap_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_frag
tests_test_nat_frag_SOURCES = tests/test_nat_frag.c $(NAT_RIG)
tests_test_nat_frag_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_frag_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_icmp
tests_test_nat_icmp_SOURCES = tests/test_nat_icmp.c $(NAT_RIG)
tests_test_nat_icmp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_icmp_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_life
tests_test_nat_life_SOURCES = tests/test_nat_life.c $(NAT_RIG)
tests_test_nat_life_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_life_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_pool
tests_test_nat_pool_SOURCES = tests/test_nat_pool.c $(NAT_RIG)
tests_test_nat_pool_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_pool_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_nat_alloc
tests_test_nat_alloc_SOURCES = tests/test_nat_alloc.c $(NAT_RIG)
tests_test_nat_alloc_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_alloc_LDADD = $(NAT_LIBS) $(CMOCKA_LIBS)

# natprobe: its decisions
UNIT_TESTS += \
	tests/test_allocation \
	tests/test_classify \
	tests/test_discover \
	tests/test_discover_end \
	tests/test_discover_path \
	tests/test_discover_servers \
	tests/test_discover_nat64 \
	tests/test_discover_tcp \
	tests/test_confidence \
	tests/test_hairpin \
	tests/test_lease \
	tests/test_lease_record \
	tests/test_map_report \
	tests/test_port_packet \
	tests/test_reach_report \
	tests/test_reach_trial \
	tests/test_rate_limit \
	tests/test_lead \
	tests/test_samples \
	tests/test_tcp_mapping \
	tests/test_portmap
PORT_CASES = tests/port_box.c tests/port_box.h tests/port_cases.c tests/port_cases.h tests/rng.h
tests_test_allocation_SOURCES = tests/test_allocation.c $(PORT_CASES)
tests_test_allocation_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_allocation_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
LEASE_NET = tests/lease_net.c tests/lease_net.h $(NAT_RIG)
tests_test_lease_SOURCES = tests/test_lease.c $(LEASE_NET)
tests_test_lease_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_lease_LDADD = natprobe/libprobe.a $(NAT_LIBS) -lm $(CMOCKA_LIBS)
tests_test_lease_record_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_lease_record_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_port_packet_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_port_packet_LDADD = natprobe/libprobe.a $(NAT_LIBS) $(CMOCKA_LIBS)
tests_test_reach_trial_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_reach_trial_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_map_report_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_map_report_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_reach_report_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_reach_report_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_lead_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_lead_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_portmap_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_portmap_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_classify_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_classify_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_discover_SOURCES = tests/test_discover.c tests/sim_check.c tests/sim_check.h
tests_test_discover_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_discover_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_discover_end_SOURCES = tests/test_discover_end.c tests/sim_check.c tests/sim_check.h
tests_test_discover_end_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_discover_end_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_discover_path_SOURCES = tests/test_discover_path.c tests/sim_check.c tests/sim_check.h
tests_test_discover_path_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_discover_path_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_discover_servers_SOURCES = tests/test_discover_servers.c tests/sim_check.c tests/sim_check.h
tests_test_discover_servers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_discover_servers_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_discover_nat64_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_discover_nat64_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_confidence_SOURCES = tests/test_confidence.c
tests_test_confidence_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_confidence_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_hairpin_SOURCES = tests/test_hairpin.c
tests_test_hairpin_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_hairpin_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_rate_limit_SOURCES = tests/test_rate_limit.c tests/rng.h
tests_test_rate_limit_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_rate_limit_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_samples_SOURCES = tests/test_samples.c
tests_test_samples_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_samples_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_tcp_mapping_SOURCES = tests/test_tcp_mapping.c
tests_test_tcp_mapping_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_tcp_mapping_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_discover_tcp_SOURCES = tests/test_discover_tcp.c tests/sim_check.c tests/sim_check.h
tests_test_discover_tcp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_discover_tcp_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)

# what is known of an address
MMDB_GEO = tests/mmdb_geo.c tests/mmdb_geo.h tests/mmdb_write.c tests/mmdb_write.h
UNIT_TESTS += tests/test_countries
tests_test_countries_SOURCES = tests/test_countries.c $(MMDB_GEO)
tests_test_countries_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_countries_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_geo
tests_test_geo_SOURCES = tests/test_geo.c tests/mmdb_write.c tests/mmdb_write.h
tests_test_geo_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_geo_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

# natprobe: what is seen below IP
UNIT_TESTS += tests/test_udp_packet
tests_test_udp_packet_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_udp_packet_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

# natprobe: captive portals
UNIT_TESTS += tests/test_portal
tests_test_portal_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_portal_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

# natprobe: gateways by UPnP
UNIT_TESTS += tests/test_ssdp
tests_test_ssdp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ssdp_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

# natprobe: its sockets
UNIT_TESTS += tests/test_probe_socket
tests_test_probe_socket_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_probe_socket_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)

# natprobe: small files
UNIT_TESTS += tests/test_file
tests_test_file_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_file_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_state_file
tests_test_state_file_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_state_file_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)

# natprobe: turns
UNIT_TESTS += tests/test_floor
tests_test_floor_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_floor_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

# natprobe: properties by name, and what is expected of them
UNIT_TESTS += \
	tests/test_expect \
	tests/test_property
tests_test_expect_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_expect_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_property_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_property_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_grade
tests_test_grade_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_grade_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

# natprobe
UNIT_TESTS += tests/test_plan
tests_test_plan_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_plan_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += \
	tests/test_iface \
	tests/test_report_diff \
	tests/test_report_json \
	tests/test_report_read \
	tests/test_report_tests \
	tests/test_report_text
tests_test_iface_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_iface_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_report_diff_SOURCES = tests/test_report_diff.c tests/report_fixture.c tests/report_fixture.h
tests_test_report_diff_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_report_diff_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_report_json_SOURCES = tests/test_report_json.c tests/report_fixture.c tests/report_fixture.h
tests_test_report_json_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_report_json_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_report_read_SOURCES = tests/test_report_read.c tests/report_fixture.c tests/report_fixture.h
tests_test_report_read_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_report_read_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_report_tests_SOURCES = tests/test_report_tests.c tests/report_fixture.c tests/report_fixture.h
tests_test_report_tests_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_report_tests_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += \
	tests/test_html \
	tests/test_plot \
	tests/test_report_html \
	tests/test_report_sentence
tests_test_html_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_html_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_plot_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_plot_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_report_sentence_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_report_sentence_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_report_html_SOURCES = tests/test_report_html.c tests/page_law.c tests/page_law.h \
	tests/report_fixture.c tests/report_fixture.h
tests_test_report_html_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_report_html_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_redact
tests_test_redact_SOURCES = tests/test_redact.c tests/report_fixture.c tests/report_fixture.h
tests_test_redact_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_redact_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_report_text_SOURCES = tests/test_report_text.c tests/report_fixture.c tests/report_fixture.h
tests_test_report_text_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_report_text_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)

# the laboratory: networks with a known truth
UNIT_TESTS += tests/test_nat_profile
tests_test_nat_profile_SOURCES = tests/test_nat_profile.c $(NAT_PROFILES)
tests_test_nat_profile_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_profile_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)

# the deeper look
UNIT_TESTS += tests/test_deep tests/test_deep_queue
tests_test_deep_queue_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_deep_queue_LDADD = $(PROBE_LIBS) $(CMOCKA_LIBS)
tests_test_deep_SOURCES = tests/test_deep.c tests/deep_score.c tests/deep_score.h
tests_test_deep_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_deep_LDADD = $(SIM_DEEP_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_deep_path
tests_test_deep_path_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_deep_path_LDADD = $(SIM_DEEP_LIBS) $(CMOCKA_LIBS)

# the whole diagnosis of all networks
UNIT_TESTS += \
	tests/test_accuracy \
	tests/test_misdeeds \
	tests/test_regress
tests_test_accuracy_SOURCES = tests/test_accuracy.c \
	tests/bench/accuracy_report.c tests/bench/accuracy_report.h \
	tests/bench/accuracy_run.c tests/bench/accuracy_run.h \
	tests/bench/accuracy_sum.c tests/bench/accuracy_sum.h \
	tests/score.c tests/score.h
tests_test_accuracy_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_accuracy_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS) -lm
tests_test_misdeeds_SOURCES = tests/test_misdeeds.c tests/sim_expect.c tests/sim_expect.h
tests_test_misdeeds_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_misdeeds_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_regress_SOURCES = tests/test_regress.c \
	tests/network_change.c tests/network_change.h \
	tests/saved.c tests/saved.h
tests_test_regress_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_regress_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)

# what other tools get wrong, by the numbers of the notes on NAT traversal
SIM_EXPECT = tests/sim_expect.c tests/sim_expect.h
UNIT_TESTS += \
	tests/test_errors_mapping \
	tests/test_errors_path \
	tests/test_errors_ports
tests_test_errors_mapping_SOURCES = tests/test_errors_mapping.c $(SIM_EXPECT)
tests_test_errors_mapping_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_errors_mapping_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_errors_path_SOURCES = tests/test_errors_path.c $(SIM_EXPECT)
tests_test_errors_path_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_errors_path_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)
tests_test_errors_ports_SOURCES = tests/test_errors_ports.c $(SIM_EXPECT)
tests_test_errors_ports_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_errors_ports_LDADD = $(SIM_LIBS) $(CMOCKA_LIBS)


# the STUN server
UNIT_TESTS += tests/test_stun_server
tests_test_stun_server_SOURCES = tests/test_stun_server.c tests/server_talk.c tests/server_talk.h
tests_test_stun_server_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_server_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stun_server_rfc3489
tests_test_stun_server_rfc3489_SOURCES = tests/test_stun_server_rfc3489.c tests/server_talk.c tests/server_talk.h
tests_test_stun_server_rfc3489_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_server_rfc3489_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stun_server_rfc5780
tests_test_stun_server_rfc5780_SOURCES = tests/test_stun_server_rfc5780.c tests/server_talk.c tests/server_talk.h
tests_test_stun_server_rfc5780_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stun_server_rfc5780_LDADD = $(CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_stund_conf
tests_test_stund_conf_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_stund_conf_LDADD = stund/libstund_core.a $(SHELL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_listen
tests_test_listen_SOURCES = tests/test_listen.c tests/mmdb_write.c tests/mmdb_write.h \
	$(ALLOC_COUNT)
tests_test_listen_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_listen_LDADD = $(STUND_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_listen_crowd
tests_test_listen_crowd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_listen_crowd_LDADD = $(STUND_LIBS) $(CMOCKA_LIBS)

# turnd: whom it relays to, and from which ports
UNIT_TESTS += tests/test_policy tests/test_policy_place
tests_test_policy_SOURCES = tests/test_policy.c tests/rng.h $(ALLOC_COUNT)
tests_test_policy_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_policy_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)
tests_test_policy_place_SOURCES = tests/test_policy_place.c $(MMDB_GEO)
tests_test_policy_place_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_policy_place_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_alloc
tests_test_alloc_SOURCES = tests/test_alloc.c tests/rng.h
tests_test_alloc_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_alloc_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_peers
tests_test_peers_SOURCES = tests/test_peers.c tests/rng.h $(ALLOC_COUNT)
tests_test_peers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_peers_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_judge
tests_test_judge_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_judge_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

# Stories of a turnd under virtual time
UNIT_TESTS += tests/scen_turn_allocate
tests_scen_turn_allocate_SOURCES = tests/scen_turn_allocate.c $(TURN_ONE)
tests_scen_turn_allocate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_allocate_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_ports
tests_scen_turn_ports_SOURCES = tests/scen_turn_ports.c $(TURN_ONE)
tests_scen_turn_ports_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_ports_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_refresh
tests_scen_turn_refresh_SOURCES = tests/scen_turn_refresh.c $(TURN_ONE)
tests_scen_turn_refresh_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_refresh_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_peers
tests_scen_turn_peers_SOURCES = tests/scen_turn_peers.c $(TURN_ONE)
tests_scen_turn_peers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_peers_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_secure
tests_test_turnd_secure_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_secure_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_mobility
tests_scen_turn_mobility_SOURCES = tests/scen_turn_mobility.c $(TURN_MOVE)
tests_scen_turn_mobility_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_mobility_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_errors
tests_scen_turn_errors_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_errors_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_conform
tests_test_conform_SOURCES = tests/test_conform.c $(TURND_KIT)
tests_test_conform_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_conform_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_workers
tests_scen_turn_workers_SOURCES = tests/scen_turn_workers.c $(TURN_MOVE)
tests_scen_turn_workers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_workers_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_worker_ports
tests_scen_turn_worker_ports_SOURCES = tests/scen_turn_worker_ports.c $(TURN_MOVE)
tests_scen_turn_worker_ports_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_worker_ports_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_between
tests_scen_turn_between_SOURCES = tests/scen_turn_between.c $(TURN_MOVE)
tests_scen_turn_between_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_between_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_client
tests_scen_turn_client_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_client_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_chaos
tests_scen_turn_chaos_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_chaos_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_churn
tests_scen_turn_churn_SOURCES = tests/scen_turn_churn.c $(ALLOC_COUNT)
tests_scen_turn_churn_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_churn_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ports
tests_test_ports_SOURCES = tests/test_ports.c tests/rng.h
tests_test_ports_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ports_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_prefix_map
tests_test_prefix_map_SOURCES = tests/test_prefix_map.c tests/rng.h
tests_test_prefix_map_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_prefix_map_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

# turnd: how much
UNIT_TESTS += tests/test_quota
tests_test_quota_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_quota_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS) -lpthread

# turnd: the data path
FORWARD_KIT = tests/forward_kit.c tests/forward_kit.h tests/rng.h
UNIT_TESTS += tests/test_forward
tests_test_forward_SOURCES = tests/test_forward.c $(FORWARD_KIT) $(ALLOC_COUNT)
tests_test_forward_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_forward_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_forward_peer
tests_test_forward_peer_SOURCES = tests/test_forward_peer.c $(FORWARD_KIT) $(ALLOC_COUNT)
tests_test_forward_peer_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_forward_peer_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/scen_turn_tcp
tests_scen_turn_tcp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_scen_turn_tcp_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_country
tests_test_turnd_country_SOURCES = tests/test_turnd_country.c $(MMDB_GEO)
tests_test_turnd_country_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_country_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_stats
tests_test_turnd_stats_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_stats_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

# turnd: who may use it
UNIT_TESTS += tests/test_nonce
tests_test_nonce_SOURCES = tests/test_nonce.c tests/rng.h $(ALLOC_COUNT)
tests_test_nonce_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nonce_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_seal
tests_test_seal_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_seal_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ticket
tests_test_ticket_SOURCES = tests/test_ticket.c tests/rng.h
tests_test_ticket_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ticket_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_token
tests_test_token_SOURCES = tests/test_token.c tests/rng.h
tests_test_token_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_token_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd
tests_test_turnd_SOURCES = tests/test_turnd.c $(TURND_KIT)
tests_test_turnd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_auth
tests_test_turnd_auth_SOURCES = tests/test_turnd_auth.c $(TURND_KIT) $(ALLOC_COUNT)
tests_test_turnd_auth_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_auth_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_dispatch
tests_test_turnd_dispatch_SOURCES = tests/test_turnd_dispatch.c $(TURND_KIT)
tests_test_turnd_dispatch_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_dispatch_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_integrity
tests_test_turnd_integrity_SOURCES = tests/test_turnd_integrity.c $(TURND_KIT)
tests_test_turnd_integrity_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_integrity_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_request
tests_test_turnd_request_SOURCES = tests/test_turnd_request.c $(TURND_KIT)
tests_test_turnd_request_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_request_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_turnd_token
tests_test_turnd_token_SOURCES = tests/test_turnd_token.c $(TURND_KIT)
tests_test_turnd_token_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_token_LDADD = $(TURND_RIG_LIBS) $(CMOCKA_LIBS)

USERS_TALK = tests/users_talk.c tests/users_talk.h
UNIT_TESTS += tests/test_users
tests_test_users_SOURCES = tests/test_users.c $(ALLOC_COUNT) $(USERS_TALK)
tests_test_users_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_users_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_users_file
tests_test_users_file_SOURCES = tests/test_users_file.c tests/rng.h $(USERS_TALK)
tests_test_users_file_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_users_file_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_users_timed
tests_test_users_timed_SOURCES = tests/test_users_timed.c tests/rng.h $(USERS_TALK)
tests_test_users_timed_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_users_timed_LDADD = $(TURND_CORE_LIBS) $(CMOCKA_LIBS)

# turnd: its configuration, and its operator
UNIT_TESTS += tests/test_turnd_conf
tests_test_turnd_conf_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_turnd_conf_LDADD = $(TURND_CONF_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_tools
tests_test_tools_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_tools_LDADD = $(TURND_CONF_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_control
tests_test_control_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_test_control_LDADD = $(TURND_CONTROL_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_settings
tests_test_settings_SOURCES = tests/test_settings.c tests/settings_kit.c tests/settings_kit.h \
	tests/cert.c tests/cert.h
tests_test_settings_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_settings_LDADD = $(TURND_CONF_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_settings_renew
tests_test_settings_renew_SOURCES = tests/test_settings_renew.c tests/settings_kit.c tests/settings_kit.h \
	tests/cert.c tests/cert.h
tests_test_settings_renew_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(OPENSSL_CFLAGS)
tests_test_settings_renew_LDADD = $(TURND_CONF_LIBS) $(CMOCKA_LIBS)
endif

check_PROGRAMS += $(UNIT_TESTS)

# Listens for what Linux drops, for tests/sys_own_source.sh.
check_PROGRAMS += tests/tap_ask
tests_tap_ask_LDADD = $(PROBE_SHELL_LIBS)

# Asks a gateway by UPnP, for tests/sys_upnp.sh.
check_PROGRAMS += tests/upnp_ask
tests_upnp_ask_LDADD = $(PROBE_SHELL_LIBS)

# A web server and a database, for tests/sys_beside.sh.
check_PROGRAMS += tests/http_say tests/mmdb_make
tests_http_say_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
tests_http_say_LDADD = $(SHELL_LIBS)
tests_mmdb_make_SOURCES = tests/mmdb_make.c tests/mmdb_write.c tests/mmdb_write.h
tests_mmdb_make_LDADD = $(CORE_LIBS)

# A client of a relay that looks at IP headers, for tests/sys_turnd_path.sh.
check_PROGRAMS += tests/turn_path_ask
tests_turn_path_ask_LDADD = $(SHELL_LIBS)

# Strangers by the million, for tests/sys_turnd_flood.sh.
check_PROGRAMS += tests/flood
tests_flood_SOURCES = tests/flood.c tests/raw_client.c tests/raw_client.h
tests_flood_LDADD = $(SHELL_LIBS)

# Does what attackers of TURN servers do, for tests/sys_turnd_attack.sh.
check_PROGRAMS += tests/attack
tests_attack_SOURCES = tests/attack.c tests/attack_peers.c tests/attack.h \
	tests/raw_client.c tests/raw_client.h
tests_attack_LDADD = $(SHELL_LIBS)

# Sends where it is too far, or too narrow, for tests/sys_udp_path.sh.
check_PROGRAMS += tests/udp_path_ask
tests_udp_path_ask_LDADD = $(SHELL_LIBS)

# Asks for routes, for tests/sys_route.sh.
check_PROGRAMS += tests/route_ask
tests_route_ask_LDADD = $(PROBE_SHELL_LIBS)

# Asks stund what no client does, for tests/sys_stund.sh.
check_PROGRAMS += tests/coop_ask
tests_coop_ask_LDADD = $(SHELL_LIBS)

check_PROGRAMS += tests/stun_ask
tests_stun_ask_LDADD = $(SHELL_LIBS)

# TURN clients over real sockets, for tests/sys_turn_client.sh and tests/sys_turnd_tcp.sh.
check_PROGRAMS += tests/turn_ask tests/turn_link_ask
tests_turn_ask_LDADD = $(SHELL_LIBS)
tests_turn_link_ask_LDADD = $(SHELL_LIBS)

# Asks turnd what no foreign client does, for tests/sys_turnd.sh.
# Makes access tokens, for tests/sys_relay_turnd.sh.
check_PROGRAMS += tests/token_say
tests_token_say_LDADD = $(TURND_CORE_LIBS)

check_PROGRAMS += tests/relay_ask
tests_relay_ask_LDADD = $(SHELL_LIBS)

check_PROGRAMS += tests/move_ask
tests_move_ask_SOURCES = tests/move_ask.c tests/raw_client.c tests/raw_client.h
tests_move_ask_LDADD = $(SHELL_LIBS)

# ChannelData of every size, for tests/sys_channel_sizes.sh.
check_PROGRAMS += tests/channel_sizes
tests_channel_sizes_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
tests_channel_sizes_LDADD = $(SHELL_LIBS)

# Long runs, and what check_conformance.sh and check_security.sh share.
EXTRA_DIST += tests/soak.sh tests/proofs.sh

# What sys_html.sh looks at pages with.
EXTRA_DIST += tests/html_look.py doc/report.png

# What networks are expected to be, for users and for tests/sys_expect_lab.sh.
EXTRA_DIST += tests/expect tests/mutate

# The long ones come first, so that no processor waits for one of them at the end.
TESTS += $(SYSTEM_TESTS) $(UNIT_TESTS)
EXTRA_DIST += $(SYSTEM_TESTS)

# Networks that no table has.
UNSEEN = tests/unseen.c tests/unseen.h \
	tests/unseen_boxes.c \
	tests/unseen_kit.c tests/unseen_kit.h \
	tests/unseen_paths.c \
	tests/unseen_ports.c

include tests/bench/local.mk
include tests/fuzz.mk

.PHONY: check-unit
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS) tests/check_conformance.sh tests/replay_corpus.sh'
