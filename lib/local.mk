# Two convenience libraries, one per side of the wall (doc/architecture.md):
#   libcore   codec and decisions: no socket, no clock, no libevent
#   libshell  libevent, sockets, TLS, clock, log
# A program links shell before core.
noinst_LIBRARIES += lib/libcore.a lib/libshell.a

lib_libcore_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(MAXMINDDB_CFLAGS)
lib_libcore_a_SOURCES = \
	lib/wire.h \
	lib/addr.c lib/addr.h \
	lib/addr_special.c lib/addr_special.h \
	lib/base64.c lib/base64.h \
	lib/cidr.c lib/cidr.h \
	lib/counter.h \
	lib/coop.c lib/coop.h \
	lib/countries.c lib/countries.h \
	lib/dial_failure.c lib/dial_failure.h \
	lib/dtls_hello.c lib/dtls_hello.h \
	lib/crc32.c lib/crc32.h \
	lib/geo.c lib/geo.h \
	lib/siphash.h \
	lib/opaque.c lib/opaque.h \
	lib/limit.c lib/limit.h \
	lib/list.h \
	lib/metrics.c lib/metrics.h \
	lib/proxy_header.c lib/proxy_header.h \
	lib/nat64.c lib/nat64.h \
	lib/stun.c lib/stun.h \
	lib/stun_msg.c lib/stun_msg.h \
	lib/stun_attr.c lib/stun_attr.h lib/stun_attr_put.h \
	lib/stun_attr_text.c \
	lib/stun_auth.c lib/stun_auth.h \
	lib/stun_feature.c lib/stun_feature.h \
	lib/turn_chan.c lib/turn_chan.h \
	lib/rendezvous_wire.c lib/rendezvous_wire.h \
	lib/stun_stream.c lib/stun_stream.h \
	lib/stun_server.c lib/stun_server.h \
	lib/stun_txn.c lib/stun_txn.h \
	lib/stun_uri.c lib/stun_uri.h \
	lib/turn_client.c lib/turn_client.h \
	lib/turn_client_alloc.c \
	lib/turn_client_auth.c \
	lib/turn_client_data.c \
	lib/turn_client_peer.c \
	lib/turn_client_redirect.c \
	lib/turn_client_request.c \
	lib/turn_client_state.h \
	lib/turn_client_tcp.c \
	lib/turn_client_text.c \
	lib/turn_resolve.c lib/turn_resolve.h \
	lib/turn_resolve_answer.c \
	lib/turn_resolve_state.h \
	lib/utf8.h \
	lib/wheel.c lib/wheel.h

lib_libshell_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
lib_libshell_a_SOURCES = \
	lib/alternate.c lib/alternate.h \
	lib/clock.c lib/clock.h \
	lib/dgram_bio.c lib/dgram_bio.h \
	lib/dial.c lib/dial.h lib/dial_state.h \
	lib/dial_dtls.c \
	lib/dial_stream.c \
	lib/dial_tls.c \
	lib/dtls.c lib/dtls.h lib/dtls_parts.h \
	lib/dtls_session.c \
	lib/dtls_timer.c lib/dtls_timer.h \
	lib/dtls_cookie.c lib/dtls_cookie.h \
	lib/opt.c lib/opt.h \
	lib/opt_rows.h \
	lib/opt_args.c \
	lib/opt_file.c \
	lib/opt_help.c \
	lib/opt_print.c \
	lib/opt_table.c lib/opt_table.h \
	lib/opt_text.c lib/opt_text.h \
	lib/opt_value.c lib/opt_value.h \
	lib/per_source.c lib/per_source.h \
	lib/prompt.c lib/prompt.h \
	lib/sockaddr.c lib/sockaddr.h \
	lib/splice.c lib/splice.h \
	lib/stream.c lib/stream.h lib/stream_parts.h \
	lib/stream_conn.c \
	lib/stream_frames.c \
	lib/stream_listen.c \
	lib/stream_proxy.c \
	lib/tls.c lib/tls.h \
	lib/tls_names.c \
	lib/udp.c lib/udp.h lib/udp_sys.h

lib_libshell_a_SOURCES += \
	lib/admin.c lib/admin.h \
	lib/daemon.c lib/daemon.h \
	lib/log.c lib/log.h \
	lib/log_line.c lib/log_line.h \
	lib/priv.c lib/priv.h lib/priv_sys.h \
	lib/server_rows.c lib/server_rows.h \
	lib/tally.c lib/tally.h \
	lib/worker.c lib/worker.h

# Benchmarks: what servers are measured with.
lib_libshell_a_SOURCES += \
	lib/load.c lib/load.h \
	lib/load_binding.c lib/load_binding.h \
	lib/load_turn.c lib/load_turn.h lib/load_turn_state.h \
	lib/load_turn_data.c

if NO_NEW_PRIVS
lib_libshell_a_SOURCES += lib/priv_linux.c
else
lib_libshell_a_SOURCES += lib/priv_portable.c
endif

# Chosen by configure; tests build the portable one as well.
if BATCHED_UDP
lib_libshell_a_SOURCES += \
	lib/udp_control.c lib/udp_control.h \
	lib/udp_linux.c \
	lib/udp_one_linux.c
else
lib_libshell_a_SOURCES += lib/udp_portable.c
endif

CORE_LIBS = lib/libcore.a $(CRYPTO_LIBS) $(MAXMINDDB_LIBS) $(UNISTRING_LIBS)
SHELL_LIBS = lib/libshell.a $(CORE_LIBS) $(LIBEVENT_LIBS) $(OPENSSL_LIBS) -lpthread
