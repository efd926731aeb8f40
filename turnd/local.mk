# turnd, the TURN relay. What decides is pure, as in lib/libcore.a: no socket, no clock.
noinst_LIBRARIES += turnd/libturnd_core.a

turnd_libturnd_core_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
turnd_libturnd_core_a_SOURCES = \
	turnd/alloc.c turnd/alloc.h \
	turnd/attrs.c \
	turnd/auth.c turnd/auth.h \
	turnd/ending.c \
	turnd/five_tuple.h \
	turnd/flow.h \
	turnd/gift.c turnd/gift.h \
	turnd/forward.c turnd/forward.h \
	turnd/forward_icmp.c \
	turnd/forward_parts.c turnd/forward_parts.h \
	turnd/forward_peer.c \
	turnd/judge.c \
	turnd/lifetime.c turnd/lifetime.h \
	turnd/mobility.c turnd/mobility.h \
	turnd/mobility_parts.h \
	turnd/mobility_ticket.c \
	turnd/moves.c turnd/moves.h \
	turnd/nonce.c turnd/nonce.h \
	turnd/peers.c turnd/peers.h \
	turnd/peers_places.c turnd/peers_places.h \
	turnd/policy.c turnd/policy.h \
	turnd/policy_rules.c turnd/policy_rules.h \
	turnd/ports.c turnd/ports.h \
	turnd/prefix_map.c turnd/prefix_map.h \
	turnd/quota.c turnd/quota.h \
	turnd/relay_end.c turnd/relay_end.h \
	turnd/reserved.c turnd/reserved.h \
	turnd/req_allocate.c \
	turnd/req_channel.c \
	turnd/req_connect.c \
	turnd/req_connection_bind.c \
	turnd/req_permission.c \
	turnd/req_refresh.c \
	turnd/request.c turnd/request.h \
	turnd/seal.c turnd/seal.h \
	turnd/snapshot.c turnd/snapshot.h \
	turnd/stats.c turnd/stats.h \
	turnd/tcp_carried.c \
	turnd/tcp_peer.c turnd/tcp_peer.h \
	turnd/ticket.c turnd/ticket.h \
	turnd/token.c turnd/token.h \
	turnd/turnd.c turnd/turnd.h \
	turnd/turnd_state.h \
	turnd/users.c turnd/users.h \
	turnd/users_file.c \
	turnd/users_find.c \
	turnd/users_order.c \
	turnd/users_state.h \
	turnd/users_timed.c

# What a configuration comes to: files, names and certificates, but no event loop.
noinst_LIBRARIES += turnd/libturnd_conf.a

turnd_libturnd_conf_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(JANSSON_CFLAGS)
turnd_libturnd_conf_a_SOURCES = \
	turnd/addresses.c turnd/addresses.h \
	turnd/conf_check.c turnd/conf_check.h \
	turnd/conf_value.c \
	turnd/make_credential.c \
	turnd/names.c turnd/names.h \
	turnd/password_file.c \
	turnd/settings.c turnd/settings.h \
	turnd/settings_files.c \
	turnd/settings_keys.c \
	turnd/settings_parts.h \
	turnd/settings_relays.c \
	turnd/settings_rules.c \
	turnd/settings_tell.c \
	turnd/settings_users.c \
	turnd/shared.c turnd/shared.h \
	turnd/text_file.c turnd/text_file.h \
	turnd/tools.h \
	turnd/turnd_conf.c turnd/turnd_conf.h \
	turnd/users_sqlite.h

# Chosen by configure.
if SQLITE3
turnd_libturnd_conf_a_CFLAGS += $(SQLITE3_CFLAGS)
turnd_libturnd_conf_a_SOURCES += turnd/users_sqlite.c
else
turnd_libturnd_conf_a_SOURCES += turnd/users_sqlite_none.c
endif

TURND_CONF_LIBS = turnd/libturnd_conf.a turnd/libturnd_core.a $(SHELL_LIBS) $(SQLITE3_LIBS) $(JANSSON_LIBS)

TURND_CORE_LIBS = turnd/libturnd_core.a $(CORE_LIBS)

# What does: sockets, threads, the clock.
noinst_LIBRARIES += turnd/libturnd_shell.a

turnd_libturnd_shell_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
turnd_libturnd_shell_a_SOURCES = \
	turnd/handover.c turnd/handover.h \
	turnd/listen.c turnd/listen.h \
	turnd/listen_dtls.c \
	turnd/listen_link.c \
	turnd/listen_out.c \
	turnd/listen_site.c \
	turnd/listen_parts.h \
	turnd/listen_stream.c \
	turnd/listen_udp.c \
	turnd/relay.c turnd/relay.h \
	turnd/relay_out.c turnd/relay_parts.h \
	turnd/report.c turnd/report.h \
	turnd/server.c turnd/server.h \
	turnd/tcp_relay.c turnd/tcp_relay.h \
	turnd/tcp_wire.c turnd/tcp_wire.h \
	turnd/sessions.c turnd/sessions.h \
	turnd/settings.h \
	turnd/turnd_conf.h

# What the operator talks to, beside lib/admin.
noinst_LIBRARIES += turnd/libturnd_control.a

turnd_libturnd_control_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(JANSSON_CFLAGS)
turnd_libturnd_control_a_SOURCES = \
	turnd/control.c turnd/control.h \
	turnd/control_ask.c \
	turnd/renew.c turnd/renew.h

TURND_CONTROL_LIBS = turnd/libturnd_control.a $(TURND_CONF_LIBS)

# The server: shell before what it stands on.
sbin_PROGRAMS += turnd/turnd

TURND_LIBS = turnd/libturnd_shell.a $(TURND_CONTROL_LIBS)

turnd_turnd_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
turnd_turnd_SOURCES = \
	turnd/main.c turnd/main_parts.h \
	turnd/operator.c \
	turnd/tools.c \
	turnd/upkeep.c
turnd_turnd_LDADD = $(TURND_LIBS)

dist_man_MANS += doc/turnd.8 doc/turnd.conf.5
dist_doc_DATA += doc/conformance.md
dist_doc_DATA += doc/security.md
