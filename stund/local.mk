# stund, the STUN server. As in lib/, what decides (core) is apart from what does (shell), so
# that unit tests link without libevent.
sbin_PROGRAMS += stund/stund
noinst_LIBRARIES += stund/libcoop.a stund/libpartner.a stund/librendezvous.a stund/libstund_core.a stund/libstund_shell.a

# what a cooperating server decides; simulations have it too
stund_libcoop_a_SOURCES = \
	stund/coop_budget.c stund/coop_budget.h \
	stund/coop_build.c stund/coop_build.h \
	stund/coop_packet.c stund/coop_packet.h \
	stund/coop_server.c stund/coop_server.h \
	stund/coop_state.h \
	stund/coop_stats.h \
	stund/coop_table.c stund/coop_table.h \
	stund/coop_token.c stund/coop_token.h \
	stund/coop_work.c
COOP_LIBS = stund/libcoop.a $(CORE_LIBS)

# what one of two partners decides about the other
stund_libpartner_a_SOURCES = \
	stund/partner.c stund/partner.h \
	stund/partner_judge.c stund/partner_judge.h \
	stund/partner_window.c stund/partner_window.h \
	stund/partner_wire.c stund/partner_wire.h
PARTNER_LIBS = stund/libpartner.a $(CORE_LIBS)

# mailboxes for peers that look for each other
stund_librendezvous_a_SOURCES = \
	stund/rendezvous.c stund/rendezvous.h \
	stund/rendezvous_http.c stund/rendezvous_http.h \
	stund/rendezvous_state.h \
	stund/rendezvous_store.c
RENDEZVOUS_LIBS = stund/librendezvous.a $(CORE_LIBS)

stund_libstund_core_a_SOURCES = \
	stund/layout.c stund/layout.h \
	stund/stund_conf.c stund/stund_conf.h

stund_libstund_shell_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
stund_libstund_shell_a_SOURCES = \
	stund/coop_raw.h \
	stund/coop_try.c stund/coop_try.h \
	stund/listen.c stund/listen.h \
	stund/listen_coop.c \
	stund/listen_dtls.c \
	stund/listen_partner.c \
	stund/listen_parts.h \
	stund/listen_stream.c \
	stund/listen_udp.c \
	stund/partner_board.c stund/partner_board.h \
	stund/partner_check.c stund/partner_check.h \
	stund/partner_key.c stund/partner_key.h \
	stund/partner_link.c stund/partner_link.h \
	stund/partner_stats.h \
	stund/policy.c stund/policy.h \
	stund/rendezvous_io.c stund/rendezvous_io.h \
	stund/selfcheck.c stund/selfcheck.h \
	stund/server.c stund/server.h \
	stund/stats.c stund/stats.h

if BATCHED_UDP
stund_libstund_shell_a_SOURCES += stund/coop_raw_linux.c
else
stund_libstund_shell_a_SOURCES += stund/coop_raw_none.c
endif

STUND_LIBS = stund/libstund_shell.a stund/libstund_core.a stund/libcoop.a stund/libpartner.a \
	stund/librendezvous.a $(SHELL_LIBS)

stund_stund_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
stund_stund_SOURCES = stund/main.c
stund_stund_LDADD = $(STUND_LIBS)

dist_man_MANS += doc/stund.8 doc/stund.conf.5
EXTRA_DIST += doc/cooperation.md doc/partner.md
