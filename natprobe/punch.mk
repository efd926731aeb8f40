# Meeting a peer and punching: what is decided. No socket, no clock. Where OpenSSL is used it is for
# its curves and ciphers alone.
noinst_LIBRARIES += natprobe/libpunch.a

natprobe_libpunch_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS)
natprobe_libpunch_a_SOURCES = \
	natprobe/peer/peer.c natprobe/peer/peer.h \
	natprobe/peer/peer_facts.c natprobe/peer/peer_facts.h \
	natprobe/peer/peer_field.c natprobe/peer/peer_field.h \
	natprobe/peer/peer_wire.c natprobe/peer/peer_wire.h \
	natprobe/peer/peer_wire_offer.c

natprobe_libpunch_a_SOURCES += \
	natprobe/meet/address.c natprobe/meet/address.h \
	natprobe/meet/hand_token.h \
	natprobe/meet/paste.c natprobe/meet/paste.h

natprobe_libpunch_a_SOURCES += \
	natprobe/meet/code.c natprobe/meet/code.h \
	natprobe/meet/kdf.c natprobe/meet/kdf.h \
	natprobe/meet/meet.c natprobe/meet/meet.h \
	natprobe/meet/meet_channel.c natprobe/meet/meet_channel.h \
	natprobe/meet/meet_code.c \
	natprobe/meet/meet_door.c natprobe/meet/meet_door.h \
	natprobe/meet/meet_envelope.c \
	natprobe/meet/meet_invite.c \
	natprobe/meet/meet_seal.c natprobe/meet/meet_seal.h \
	natprobe/meet/meet_state.h \
	natprobe/meet/peer_clock.c natprobe/meet/peer_clock.h \
	natprobe/meet/spake2.c natprobe/meet/spake2.h \
	natprobe/meet/words.c natprobe/meet/words.h

natprobe_libpunch_a_SOURCES += \
	natprobe/punch/check.c natprobe/punch/check.h \
	natprobe/punch/punch.c natprobe/punch/punch.h \
	natprobe/punch/punch_agree.c \
	natprobe/punch/punch_asks.c \
	natprobe/punch/punch_checks.c \
	natprobe/punch/punch_end.c \
	natprobe/punch/punch_gather.c \
	natprobe/punch/punch_measure.c \
	natprobe/punch/punch_port.c \
	natprobe/punch/punch_hand.c \
	natprobe/punch/punch_run.c \
	natprobe/punch/punch_slots.c \
	natprobe/punch/punch_start.c \
	natprobe/punch/punch_state.h \
	natprobe/punch/punch_tcp.c \
	natprobe/punch/punch_wire.c natprobe/punch/punch_wire.h \
	natprobe/punch/punch_action.h \
	natprobe/punch/punch_result.h \
	natprobe/planning/strategy.c natprobe/planning/strategy.h

natprobe_libpunch_a_SOURCES += \
	natprobe/punch/reason.c natprobe/punch/reason.h \
	natprobe/punch/reason_print.c \
	natprobe/punch/reason_search.c \
	natprobe/punch/reason_state.h \
	natprobe/punch/reason_tcp.c \
	natprobe/punch/reason_udp.c \
	natprobe/punch/tcp_conn.c \
	natprobe/punch/tcp_frame.c natprobe/punch/tcp_frame.h \
	natprobe/punch/tcp_gather.c \
	natprobe/punch/tcp_lines.c \
	natprobe/punch/tcp_open.c natprobe/punch/tcp_open.h \
	natprobe/punch/tcp_targets.c \
	natprobe/punch/tcp_state.h

natprobe_libpunch_a_SOURCES += \
	natprobe/planning/punch_plan.c natprobe/planning/punch_plan.h \
	natprobe/planning/punch_plan_chance.c natprobe/planning/punch_plan_chance.h \
	natprobe/planning/punch_plan_why.c natprobe/planning/punch_plan_why.h \
	natprobe/planning/punch_plan_search.c \
	natprobe/planning/punch_plan_side.c natprobe/planning/punch_plan_side.h \
	natprobe/planning/punch_plan_steps.c natprobe/planning/punch_plan_steps.h \
	natprobe/planning/shots.c natprobe/planning/shots.h \
	natprobe/planning/shots_ports.c natprobe/planning/shots_ports.h \
	natprobe/planning/shots_target.c natprobe/planning/shots_target.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/planning/plan_report.c natprobe/planning/plan_report.h \
	natprobe/planning/plan_report_json.c

PUNCH_LIBS = natprobe/libpunch.a $(PROBE_LIBS)

dist_doc_DATA += doc/rendezvous.md
dist_doc_DATA += doc/punch.md
wireguarddir = $(docdir)/examples/wireguard
dist_wireguard_DATA = doc/examples/wireguard/README.md
dist_wireguard_SCRIPTS = doc/examples/wireguard/tunnel.sh

# What takes messages between peers.
natprobe_libpunch_a_SOURCES += \
	natprobe/meet/carrier_queue.c natprobe/meet/carrier_queue.h \
	natprobe/meet/carrier_uri.c natprobe/meet/carrier_uri.h \
	natprobe/meet/sntp.c natprobe/meet/sntp.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/meet/carrier.c natprobe/meet/carrier.h \
	natprobe/meet/carrier_http.c \
	natprobe/meet/carrier_http_channel.c \
	natprobe/meet/carrier_http_state.h \
	natprobe/meet/carrier_link.h \
	natprobe/meet/carrier_lookup.c natprobe/meet/carrier_lookup.h \
	natprobe/meet/carrier_tls.c natprobe/meet/carrier_tls.h \
	natprobe/meet/sntp_io.c natprobe/meet/sntp_io.h

# Chosen by configure: an optional library, or a stand-in.
if MOSQUITTO
natprobe_libprobeshell_a_CFLAGS += $(MOSQUITTO_CFLAGS)
natprobe_libprobeshell_a_SOURCES += natprobe/meet/carrier_mqtt.c
else
natprobe_libprobeshell_a_SOURCES += natprobe/meet/carrier_mqtt_none.c
endif

# What the two sides of a run say to each other, and what carries it all out.
natprobe_libpunch_a_SOURCES += \
	natprobe/pair/parting.c \
	natprobe/pair/parting.h \
	natprobe/pair/talk.c \
	natprobe/pair/talk.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/meet/meet_io.c \
	natprobe/meet/meet_io.h \
	natprobe/meet/own_key.c \
	natprobe/meet/own_key.h \
	natprobe/meet/rendezvous_list.c \
	natprobe/meet/rendezvous_list.h \
	natprobe/pair/chat.c \
	natprobe/pair/chat.h \
	natprobe/pair/handover.c \
	natprobe/pair/handover.h \
	natprobe/pair/no_core.c \
	natprobe/pair/no_core.h \
	natprobe/pair/punch_code.c \
	natprobe/pair/punch_code.h \
	natprobe/pair/punch_io.c \
	natprobe/pair/punch_io.h \
	natprobe/pair/punch_io_map.c \
	natprobe/pair/punch_io_relay.c \
	natprobe/pair/punch_io_state.h \
	natprobe/pair/punch_io_tcp.c \
	natprobe/pair/punch_io_udp.c \
	natprobe/pair/punch_options.c \
	natprobe/pair/punch_options.h \
	natprobe/pair/punch_rows.h \
	natprobe/pair/pair_again.c \
	natprobe/pair/pair_run.c \
	natprobe/pair/pair_run.h \
	natprobe/pair/pair_run_hand.c \
	natprobe/pair/pair_run_trials.c \
	natprobe/pair/parting_io.c \
	natprobe/pair/parting_io.h \
	natprobe/pair/pair_guests.c \
	natprobe/pair/pair_guests.h \
	natprobe/pair/pair_ways.c \
	natprobe/pair/pair_ways.h \
	natprobe/pair/punch_self.c \
	natprobe/pair/punch_self.h \
	natprobe/net/bound_port.h \
	natprobe/pair/quiet_close.h \
	natprobe/pair/relay_link.c \
	natprobe/pair/relay_link.h \
	natprobe/pair/relay_proxy.c \
	natprobe/pair/relay_proxy.h \
	natprobe/pair/self_diagnosis.c \
	natprobe/pair/self_diagnosis.h

if RTNETLINK
natprobe_libprobeshell_a_SOURCES += \
	natprobe/net/bound_port_linux.c \
	natprobe/pair/quiet_close_linux.c
else
natprobe_libprobeshell_a_SOURCES += \
	natprobe/net/bound_port_none.c \
	natprobe/pair/quiet_close_none.c
endif

natprobe_natprobe_CFLAGS += $(JANSSON_CFLAGS)
natprobe_natprobe_SOURCES += \
	natprobe/cmd_address.c \
	natprobe/cmd_connect.c \
	natprobe/cmd_demo.c \
	natprobe/cmd_interfaces.c \
	natprobe/cmd_punch.c

# Trials as data: what they say together is decided here, and printed by the shell.
natprobe_libpunch_a_SOURCES += \
	natprobe/trial/trial_matrix.c natprobe/trial/trial_matrix.h \
	natprobe/trial/trial_record.c natprobe/trial/trial_record.h \
	natprobe/trial/trial_stats.c natprobe/trial/trial_stats.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/trial/trial_html.c natprobe/trial/trial_html.h \
	natprobe/trial/trial_json.c natprobe/trial/trial_json.h \
	natprobe/trial/trial_matrix_html.c \
	natprobe/trial/trial_matrix_json.c \
	natprobe/trial/trial_matrix_print.h \
	natprobe/trial/trial_matrix_text.c \
	natprobe/trial/trial_read.c \
	natprobe/trial/trial_text.c natprobe/trial/trial_text.h \
	natprobe/trial/trial_text_steps.c natprobe/trial/trial_text_steps.h
dist_doc_DATA += doc/natprobe-punch.schema.json
dist_doc_DATA += doc/natprobe-matrix.schema.json
