# The decisions of natprobe: what to send, what the answers mean. No socket, no clock.
noinst_LIBRARIES += natprobe/libprobe.a

natprobe_libprobe_a_SOURCES = \
	natprobe/allocation.c natprobe/allocation.h \
	natprobe/pooling.c \
	natprobe/prediction.c natprobe/prediction.h \
	natprobe/rules.c natprobe/rules.h \
	natprobe/rules_counter.c natprobe/rules_counter.h \
	natprobe/rules_find.c \
	natprobe/rules_reordered.c natprobe/rules_reordered.h \
	natprobe/rules_view.c natprobe/rules_view.h \
	natprobe/asks.c natprobe/asks.h \
	natprobe/classify.c natprobe/classify.h \
	natprobe/confidence.c natprobe/confidence.h \
	natprobe/deep.c natprobe/deep.h \
	natprobe/deep_action.h \
	natprobe/deep_alg.c \
	natprobe/deep_clash.c \
	natprobe/deep_early.c \
	natprobe/deep_fragments.c \
	natprobe/deep_hops.c \
	natprobe/deep_kit.c natprobe/deep_kit.h \
	natprobe/deep_mtu.c \
	natprobe/deep_tcp.c \
	natprobe/deep_translators.c \
	natprobe/deep_upset.c \
	natprobe/deep_keepalive.c \
	natprobe/deep_ladder.c natprobe/deep_ladder.h \
	natprobe/deep_lifetime.c \
	natprobe/deep_next.c \
	natprobe/deep_order.c \
	natprobe/deep_ports.c natprobe/deep_ports.h \
	natprobe/deep_ports_judge.c \
	natprobe/deep_queue.c natprobe/deep_queue.h \
	natprobe/deep_portmap.c \
	natprobe/deep_refresh.c \
	natprobe/deep_socket.c \
	natprobe/deep_state.h \
	natprobe/deep_token.c \
	natprobe/deep_trial.h \
	natprobe/deep_trials.c natprobe/deep_trials.h \
	natprobe/discover.c natprobe/discover.h \
	natprobe/discover_action.h \
	natprobe/discover_beside.c \
	natprobe/discover_end.c \
	natprobe/discover_look.c \
	natprobe/discover_next.c \
	natprobe/discover_run.c \
	natprobe/discover_silent.c \
	natprobe/discover_state.c natprobe/discover_state.h \
	natprobe/expect.c natprobe/expect.h \
	natprobe/expect_judge.c \
	natprobe/expect_save.c \
	natprobe/expect_value.c natprobe/expect_value.h \
	natprobe/filter_test.c natprobe/filter_test.h \
	natprobe/grade.c natprobe/grade.h \
	natprobe/hairpin.c natprobe/hairpin.h \
	natprobe/plan.c natprobe/plan.h \
	natprobe/floor.c natprobe/floor.h \
	natprobe/plot.c natprobe/plot.h \
	natprobe/relay_result.c natprobe/relay_result.h \
	natprobe/relay_state.h \
	natprobe/relay_trial.c natprobe/relay_trial.h \
	natprobe/relay_trial_end.c \
	natprobe/relay_trial_judge.c \
	natprobe/relay_trial_local.c \
	natprobe/relay_trial_loop.c \
	natprobe/relay_trial_packet.c \
	natprobe/lease.c natprobe/lease.h \
	natprobe/lease_address.c natprobe/lease_address.h \
	natprobe/lease_record.c natprobe/lease_record.h \
	natprobe/lease_reply.c \
	natprobe/lease_state.h \
	natprobe/portmap.c natprobe/portmap.h \
	natprobe/portmap_wire.c natprobe/portmap_wire.h \
	natprobe/portal.c natprobe/portal.h \
	natprobe/probe_log.c natprobe/probe_log.h \
	natprobe/property.c natprobe/property.h \
	natprobe/property_deep.inc \
	natprobe/rate_limit.c natprobe/rate_limit.h \
	natprobe/port_packet.c natprobe/port_packet.h \
	natprobe/reach.c natprobe/reach.h \
	natprobe/reach_judge.c \
	natprobe/reach_trial.c natprobe/reach_trial.h \
	natprobe/samples.c natprobe/samples.h \
	natprobe/session.c natprobe/session.h \
	natprobe/streams.c natprobe/streams.h \
	natprobe/tcp_control.c natprobe/tcp_control.h \
	natprobe/ssdp.c natprobe/ssdp.h \
	natprobe/tcp_mapping.c natprobe/tcp_mapping.h \
	natprobe/timing.c natprobe/timing.h \
	natprobe/turn_end.c natprobe/turn_end.h \
	natprobe/udp_packet.c natprobe/udp_packet.h \
	natprobe/vantage.c natprobe/vantage.h \
	natprobe/vantage_allocate.c \
	natprobe/vantage_judge.c \
	natprobe/vantage_learn.c \
	natprobe/vantage_mapping.c \
	natprobe/vantage_rounds.c \
	natprobe/vantage_state.h \
	natprobe/vantage_tcp.c \
	natprobe/verdict.c natprobe/verdict.h \
	natprobe/verdict_deep.c natprobe/verdict_deep.h

PROBE_LIBS = natprobe/libprobe.a $(CORE_LIBS) -lm

# Which interfaces are probed: a decision as well.
natprobe_libprobe_a_SOURCES += \
	natprobe/iface.c natprobe/iface.h

# Its shell: interfaces, names, sockets, reports.
noinst_LIBRARIES += natprobe/libprobeshell.a

natprobe_libprobeshell_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS) \
	$(CARES_CFLAGS) $(JANSSON_CFLAGS)
natprobe_libprobeshell_a_SOURCES = \
	natprobe/check.c natprobe/check.h \
	natprobe/check_options.c natprobe/check_options.h \
	natprobe/check_output.c natprobe/check_output.h \
	natprobe/check_servers.c natprobe/check_servers.h \
	natprobe/check_turn.c natprobe/check_turn.h \
	natprobe/diagnosis.c natprobe/diagnosis.h \
	natprobe/deep_io.c natprobe/deep_io.h \
	natprobe/deep_io_state.h \
	natprobe/deep_io_tcp.c \
	natprobe/deep_io_udp.c \
	natprobe/deep_packet.h \
	natprobe/dns.c natprobe/dns.h \
	natprobe/document.c natprobe/document.h \
	natprobe/file.c natprobe/file.h \
	natprobe/gateway_ask.c natprobe/gateway_ask.h \
	natprobe/lease_file.c natprobe/lease_file.h \
	natprobe/lease_io.c natprobe/lease_io.h \
	natprobe/map_close.c \
	natprobe/map_compare.c \
	natprobe/map_json.c \
	natprobe/map_options.c natprobe/map_options.h \
	natprobe/map_report.c natprobe/map_report.h \
	natprobe/map_run.c natprobe/map_run.h \
	natprobe/map_text.c \
	natprobe/option_rows.h \
	natprobe/own_path.c natprobe/own_path.h \
	natprobe/nat64_search.c natprobe/nat64_search.h \
	natprobe/packet_tap.h \
	natprobe/port_tap.h \
	natprobe/portal_check.c natprobe/portal_check.h \
	natprobe/probe.c natprobe/probe.h \
	natprobe/probe_conclude.c \
	natprobe/probe_deep.c natprobe/probe_deep.h \
	natprobe/probe_io.c natprobe/probe_io.h \
	natprobe/probe_socket.c natprobe/probe_socket.h \
	natprobe/probe_state.h \
	natprobe/probe_turn.c natprobe/probe_turn.h \
	natprobe/progress.c natprobe/progress.h \
	natprobe/public_servers.c natprobe/public_servers.h \
	natprobe/mask.c natprobe/mask.h \
	natprobe/reach_options.c natprobe/reach_options.h \
	natprobe/reach_report.c natprobe/reach_report.h \
	natprobe/reach_run.c natprobe/reach_run.h \
	natprobe/redact.c natprobe/redact.h \
	natprobe/relay_mask.c natprobe/relay_mask.h \
	natprobe/report.c natprobe/report.h \
	natprobe/report_diff.c natprobe/report_diff.h \
	natprobe/report_diff_json.c \
	natprobe/report_evidence.c \
	natprobe/report_expect.c \
	natprobe/report_get.c natprobe/report_get.h \
	natprobe/report_json.c natprobe/report_json.h \
	natprobe/report_json_deep.c natprobe/report_json_deep.h \
	natprobe/report_json_plan.c natprobe/report_json_plan.h \
	natprobe/report_json_ports.c natprobe/report_json_ports.h \
	natprobe/report_json_rfc.c natprobe/report_json_rfc.h \
	natprobe/report_json_put.c natprobe/report_json_put.h \
	natprobe/report_json_verdict.c natprobe/report_json_verdict.h \
	natprobe/html.c natprobe/html.h \
	natprobe/html_file.c natprobe/html_file.h \
	natprobe/report_html.c natprobe/report_html.h \
	natprobe/report_html_card.c \
	natprobe/report_html_evidence.c \
	natprobe/report_html_ladder.c \
	natprobe/report_html_parts.h \
	natprobe/report_html_ports.c \
	natprobe/report_html_rfc.c \
	natprobe/report_html_sequence.c \
	natprobe/report_html_style.c \
	natprobe/report_html_time.c \
	natprobe/report_junit.c \
	natprobe/report_prom.c natprobe/report_prom.h \
	natprobe/report_read.c natprobe/report_read.h \
	natprobe/report_read_deep.c natprobe/report_read_deep.h \
	natprobe/report_read_ports.c natprobe/report_read_ports.h \
	natprobe/report_read_verdict.c natprobe/report_read_verdict.h \
	natprobe/report_sentence.c natprobe/report_sentence.h \
	natprobe/report_tap.c \
	natprobe/report_tests.c natprobe/report_tests.h \
	natprobe/report_text.c natprobe/report_text.h \
	natprobe/report_text_deep.c natprobe/report_text_deep.h \
	natprobe/report_text_evidence.c natprobe/report_text_evidence.h \
	natprobe/report_text_explain.c natprobe/report_text_explain.h \
	natprobe/report_text_plot.c natprobe/report_text_plot.h \
	natprobe/report_text_put.c natprobe/report_text_put.h \
	natprobe/report_text_rfc.c natprobe/report_text_rfc.h \
	natprobe/report_text_values.c natprobe/report_text_values.h \
	natprobe/relay_json.c \
	natprobe/relay_lookup.c natprobe/relay_lookup.h \
	natprobe/relay_options.c natprobe/relay_options.h \
	natprobe/relay_report.c natprobe/relay_report.h \
	natprobe/relay_run.c natprobe/relay_run.h \
	natprobe/relay_secrets.c natprobe/relay_secrets.h \
	natprobe/relay_text.c \
	natprobe/resolve.c natprobe/resolve.h \
	natprobe/seen_address.c natprobe/seen_address.h \
	natprobe/server.h \
	natprobe/svg.c natprobe/svg.h \
	natprobe/tls_check.c natprobe/tls_check.h \
	natprobe/upnp.h \
	natprobe/upnp_job.h

# Chosen by configure: Linux tells more about addresses and routes than others do.
if RTNETLINK
natprobe_libprobeshell_a_SOURCES += \
	natprobe/deep_packet_linux.c \
	natprobe/iface_linux.c \
	natprobe/netlink_linux.c natprobe/netlink_linux.h \
	natprobe/packet_tap_linux.c \
	natprobe/port_tap_linux.c \
	natprobe/route_linux.c
else
natprobe_libprobeshell_a_SOURCES += \
	natprobe/deep_packet_none.c \
	natprobe/iface_portable.c \
	natprobe/packet_tap_none.c \
	natprobe/port_tap_none.c
endif

# Chosen by configure: an optional library, or a stand-in.
if MINIUPNPC
natprobe_libprobeshell_a_CFLAGS += $(MINIUPNPC_CFLAGS)
natprobe_libprobeshell_a_SOURCES += \
	natprobe/upnp_gateway.c natprobe/upnp_gateway.h \
	natprobe/upnp_igd.c natprobe/upnp_igd.h \
	natprobe/upnp_job_miniupnpc.c \
	natprobe/upnp_miniupnpc.c \
	natprobe/upnp_search.c natprobe/upnp_search.h
else
natprobe_libprobeshell_a_SOURCES += \
	natprobe/upnp_job_none.c \
	natprobe/upnp_none.c
endif

PROBE_SHELL_LIBS = natprobe/libprobeshell.a natprobe/libprobe.a $(SHELL_LIBS) \
	$(CARES_LIBS) $(JANSSON_LIBS) $(MINIUPNPC_LIBS) -lm

bin_PROGRAMS += natprobe/natprobe
natprobe_natprobe_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
natprobe_natprobe_SOURCES = \
	natprobe/cmd_check.c \
	natprobe/cmd_watch.c \
	natprobe/cmd_diff.c \
	natprobe/cmd_map.c \
	natprobe/cmd_reach.c \
	natprobe/cmd_relay.c \
	natprobe/cmd_show.c \
	natprobe/command.c natprobe/command.h \
	natprobe/main.c
natprobe_natprobe_LDADD = $(PROBE_SHELL_LIBS)
dist_man_MANS += doc/natprobe.1
dist_doc_DATA += doc/natprobe.schema.json
dist_doc_DATA += doc/natprobe-relay.schema.json
dist_doc_DATA += doc/natprobe-map.schema.json
dist_doc_DATA += doc/natprobe-reach.schema.json
dist_doc_DATA += doc/ci-example.yml
dist_doc_DATA += doc/properties.md
dist_doc_DATA += doc/comparison.md
