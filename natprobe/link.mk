# The path in use. libtransport: SCTP over DTLS, no socket and no clock, but OpenSSL and libusrsctp.
noinst_LIBRARIES += natprobe/libtransport.a

natprobe_libtransport_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(USRSCTP_CFLAGS)
natprobe_libtransport_a_SOURCES = \
	natprobe/transport/assoc.h \
	natprobe/transport/byte_queue.c natprobe/transport/byte_queue.h \
	natprobe/transport/channel.h \
	natprobe/transport/channel_input.c \
	natprobe/transport/channel_send.c \
	natprobe/transport/channel_table.c \
	natprobe/transport/channel_window.c \
	natprobe/transport/channel_word.c natprobe/transport/channel_word.h \
	natprobe/transport/dcep.c natprobe/transport/dcep.h \
	natprobe/transport/identity.c natprobe/transport/identity.h \
	natprobe/transport/sctp_chunk.c natprobe/transport/sctp_chunk.h \
	natprobe/transport/sctp_cut.c natprobe/transport/sctp_cut.h \
	natprobe/transport/sctp_hold.c natprobe/transport/sctp_hold.h \
	natprobe/transport/sctp_watch.c natprobe/transport/sctp_watch.h \
	natprobe/transport/secure.c natprobe/transport/secure.h \
	natprobe/transport/secure_context.c natprobe/transport/secure_context.h \
	natprobe/transport/secure_shake.c natprobe/transport/secure_state.h \
	natprobe/transport/transport.c natprobe/transport/transport.h \
	natprobe/transport/transport_channels.c \
	natprobe/transport/transport_path.c \
	natprobe/transport/transport_state.h \
	natprobe/transport/window_gauge.c natprobe/transport/window_gauge.h

# Chosen by configure: an optional library, or a stand-in.
if USRSCTP
natprobe_libtransport_a_SOURCES += \
	natprobe/transport/assoc_events.c \
	natprobe/transport/assoc_options.c \
	natprobe/transport/assoc_state.h \
	natprobe/transport/assoc_usrsctp.c
else
natprobe_libtransport_a_SOURCES += natprobe/transport/assoc_none.c
endif

natprobe_libpunch_a_SOURCES += \
	natprobe/link/attach_wire.c natprobe/link/attach_wire.h \
	natprobe/link/link_mtu.c natprobe/link/link_mtu.h \
	natprobe/link/link_path.c natprobe/link/link_path.h \
	natprobe/link/link_path_state.h natprobe/link/link_path_width.c

natprobe_libprobeshell_a_SOURCES += \
	natprobe/link/link_code.c natprobe/link/link_code.h \
	natprobe/link/link_options.c natprobe/link/link_options.h \
	natprobe/link/link_user.h

# A running link, and what attaches to it.
natprobe_libprobeshell_a_SOURCES += \
	natprobe/link/attach.c natprobe/link/attach.h \
	natprobe/link/attach_path.c natprobe/link/attach_path.h \
	natprobe/link/attach_place.c natprobe/link/attach_place.h \
	natprobe/link/exchange.c natprobe/link/exchange.h \
	natprobe/link/exchange_channels.c natprobe/link/exchange_state.h \
	natprobe/link/link_find.c natprobe/link/link_find.h \
	natprobe/link/link_host.c natprobe/link/link_host.h \
	natprobe/link/link_host_path.c natprobe/link/link_host_state.h \
	natprobe/link/link_run.c natprobe/link/link_run.h \
	natprobe/link/link_socket.c natprobe/link/link_socket.h \
	natprobe/link/link_status.c natprobe/link/link_status.h \
	natprobe/link/link_tag.c natprobe/link/link_tag.h \
	natprobe/link/link_user.c natprobe/link/link_user_state.h \
	natprobe/link/link_user_stream.c \
	natprobe/net/address_watch.h \
	natprobe/link/junction.c natprobe/link/junction.h \
	natprobe/link/unix_peer.h

natprobe_natprobe_SOURCES += natprobe/cmd_link.c
natprobe_natprobe_SOURCES += natprobe/cmd_pipe.c
natprobe_natprobe_SOURCES += natprobe/cmd_forward.c

if RTNETLINK
natprobe_libprobeshell_a_SOURCES += natprobe/link/unix_peer_linux.c
natprobe_libprobeshell_a_SOURCES += natprobe/net/address_watch_linux.c
else
natprobe_libprobeshell_a_SOURCES += natprobe/link/unix_peer_portable.c
natprobe_libprobeshell_a_SOURCES += natprobe/net/address_watch_none.c
endif

# Its loopback ports.
natprobe_libprobeshell_a_SOURCES += \
	natprobe/link/link_listen.c natprobe/link/link_listen.h

# How to use it, and programs that do.
dist_doc_DATA += doc/link.md
linkexampledir = $(docdir)/examples/link
dist_linkexample_DATA = doc/examples/link/echo-client.c
dist_linkexample_DATA += doc/examples/link/echo-server.c

# pipe
natprobe_libpunch_a_SOURCES += \
	natprobe/pipe/pipe_wire.c natprobe/pipe/pipe_wire.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/pipe/fd_again.h \
	natprobe/pipe/fd_out.c natprobe/pipe/fd_out.h \
	natprobe/pipe/fd_wait.c natprobe/pipe/fd_wait.h \
	natprobe/pipe/pipe_io.c natprobe/pipe/pipe_io.h \
	natprobe/pipe/pipe_report.c natprobe/pipe/pipe_report.h \
	natprobe/pipe/pipe_stream.c natprobe/pipe/pipe_stream.h

# forward
natprobe_libpunch_a_SOURCES += \
	natprobe/forward/forward_spec.c natprobe/forward/forward_spec.h \
	natprobe/forward/forward_wire.c natprobe/forward/forward_wire.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/forward/forward.c natprobe/forward/forward.h \
	natprobe/forward/forward_ask.c \
	natprobe/forward/forward_dial.c natprobe/forward/forward_dial.h \
	natprobe/forward/forward_join.c natprobe/forward/forward_join.h \
	natprobe/forward/forward_lookup.c natprobe/forward/forward_lookup.h \
	natprobe/forward/forward_report.c natprobe/forward/forward_report.h \
	natprobe/forward/forward_serve.c \
	natprobe/forward/forward_state.h \
	natprobe/forward/forward_talk.c \
	natprobe/forward/forward_udp_ask.c \
	natprobe/forward/forward_udp_serve.c

if RTNETLINK
natprobe_libprobeshell_a_SOURCES += natprobe/pipe/fd_again_linux.c
else
natprobe_libprobeshell_a_SOURCES += natprobe/pipe/fd_again_none.c
endif
