# The decisions of natprobe: what to send, what the answers mean. No socket, no clock.
noinst_LIBRARIES += natprobe/libprobe.a

natprobe_libprobe_a_SOURCES = \
	natprobe/ports/allocation.c natprobe/ports/allocation.h \
	natprobe/ports/pooling.c \
	natprobe/ports/prediction.c natprobe/ports/prediction.h \
	natprobe/ports/rules.c natprobe/ports/rules.h \
	natprobe/ports/rules_counter.c natprobe/ports/rules_counter.h \
	natprobe/ports/rules_find.c \
	natprobe/ports/rules_reordered.c natprobe/ports/rules_reordered.h \
	natprobe/ports/rules_view.c natprobe/ports/rules_view.h \
	natprobe/discover/asks.c natprobe/discover/asks.h \
	natprobe/discover/classify.c natprobe/discover/classify.h \
	natprobe/discover/confidence.c natprobe/discover/confidence.h \
	natprobe/deep/deep.c natprobe/deep/deep.h \
	natprobe/deep/deep_action.h \
	natprobe/deep/deep_alg.c \
	natprobe/deep/deep_clash.c \
	natprobe/deep/deep_early.c \
	natprobe/deep/deep_fragments.c \
	natprobe/deep/deep_hops.c \
	natprobe/deep/deep_kit.c natprobe/deep/deep_kit.h \
	natprobe/deep/deep_mtu.c \
	natprobe/deep/deep_tcp.c \
	natprobe/deep/deep_translators.c \
	natprobe/deep/deep_upset.c \
	natprobe/deep/deep_keepalive.c \
	natprobe/deep/deep_ladder.c natprobe/deep/deep_ladder.h \
	natprobe/deep/deep_lifetime.c \
	natprobe/deep/deep_next.c \
	natprobe/deep/deep_order.c \
	natprobe/deep/deep_ports.c natprobe/deep/deep_ports.h \
	natprobe/deep/deep_ports_judge.c \
	natprobe/deep/deep_queue.c natprobe/deep/deep_queue.h \
	natprobe/deep/deep_portmap.c \
	natprobe/deep/deep_refresh.c \
	natprobe/deep/deep_socket.c \
	natprobe/deep/deep_state.h \
	natprobe/deep/deep_token.c \
	natprobe/deep/deep_trial.h \
	natprobe/deep/deep_trials.c natprobe/deep/deep_trials.h \
	natprobe/discover/discover.c natprobe/discover/discover.h \
	natprobe/discover/discover_action.h \
	natprobe/discover/discover_beside.c \
	natprobe/discover/discover_end.c \
	natprobe/discover/discover_look.c \
	natprobe/discover/discover_next.c \
	natprobe/discover/discover_run.c \
	natprobe/discover/discover_silent.c \
	natprobe/discover/discover_state.c natprobe/discover/discover_state.h \
	natprobe/report/expect.c natprobe/report/expect.h \
	natprobe/report/expect_judge.c \
	natprobe/report/expect_save.c \
	natprobe/report/expect_value.c natprobe/report/expect_value.h \
	natprobe/discover/filter_test.c natprobe/discover/filter_test.h \
	natprobe/report/grade.c natprobe/report/grade.h \
	natprobe/discover/hairpin.c natprobe/discover/hairpin.h \
	natprobe/plan.c natprobe/plan.h \
	natprobe/discover/floor.c natprobe/discover/floor.h \
	natprobe/report/plot.c natprobe/report/plot.h \
	natprobe/relay/relay_result.c natprobe/relay/relay_result.h \
	natprobe/relay/relay_state.h \
	natprobe/relay/relay_trial.c natprobe/relay/relay_trial.h \
	natprobe/relay/relay_trial_end.c \
	natprobe/relay/relay_trial_judge.c \
	natprobe/relay/relay_trial_local.c \
	natprobe/relay/relay_trial_loop.c \
	natprobe/relay/relay_trial_packet.c \
	natprobe/map/lease.c natprobe/map/lease.h \
	natprobe/map/lease_address.c natprobe/map/lease_address.h \
	natprobe/map/lease_record.c natprobe/map/lease_record.h \
	natprobe/map/lease_reply.c \
	natprobe/map/lease_state.h \
	natprobe/map/portmap.c natprobe/map/portmap.h \
	natprobe/map/portmap_wire.c natprobe/map/portmap_wire.h \
	natprobe/net/portal.c natprobe/net/portal.h \
	natprobe/discover/probe_log.c natprobe/discover/probe_log.h \
	natprobe/report/property.c natprobe/report/property.h \
	natprobe/report/property_get.c natprobe/report/property_row.h \
	natprobe/report/property_set.c natprobe/report/property_set.h \
	natprobe/report/property_deep.inc \
	natprobe/discover/rate_limit.c natprobe/discover/rate_limit.h \
	natprobe/reach/port_packet.c natprobe/reach/port_packet.h \
	natprobe/lead.c natprobe/lead.h \
	natprobe/reach/reach_judge.c \
	natprobe/reach/reach_trial.c natprobe/reach/reach_trial.h \
	natprobe/discover/samples.c natprobe/discover/samples.h \
	natprobe/discover/session.c natprobe/discover/session.h \
	natprobe/discover/streams.c natprobe/discover/streams.h \
	natprobe/discover/tcp_control.c natprobe/discover/tcp_control.h \
	natprobe/map/ssdp.c natprobe/map/ssdp.h \
	natprobe/discover/tcp_mapping.c natprobe/discover/tcp_mapping.h \
	natprobe/discover/timing.c natprobe/discover/timing.h \
	natprobe/vantage/turn_end.c natprobe/vantage/turn_end.h \
	natprobe/net/udp_packet.c natprobe/net/udp_packet.h \
	natprobe/vantage/vantage.c natprobe/vantage/vantage.h \
	natprobe/vantage/vantage_allocate.c \
	natprobe/vantage/vantage_judge.c \
	natprobe/vantage/vantage_learn.c \
	natprobe/vantage/vantage_mapping.c \
	natprobe/vantage/vantage_rounds.c \
	natprobe/vantage/vantage_state.h \
	natprobe/vantage/vantage_tcp.c \
	natprobe/verdict.c natprobe/verdict.h \
	natprobe/verdict_deep.c natprobe/verdict_deep.h

PROBE_LIBS = natprobe/libprobe.a $(CORE_LIBS) -lm

# Which interfaces are probed: a decision as well.
natprobe_libprobe_a_SOURCES += \
	natprobe/net/iface.c natprobe/net/iface.h

# Its shell: interfaces, names, sockets, reports.
noinst_LIBRARIES += natprobe/libprobeshell.a

natprobe_libprobeshell_a_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS) \
	$(CARES_CFLAGS) $(JANSSON_CFLAGS)
natprobe_libprobeshell_a_SOURCES = \
	natprobe/net/await.c natprobe/net/await.h \
	natprobe/net/read_more.c natprobe/net/read_more.h \
	natprobe/check/check.c natprobe/check/check.h \
	natprobe/check/check_options.c natprobe/check/check_options.h \
	natprobe/check/check_output.c natprobe/check/check_output.h \
	natprobe/check/check_servers.c natprobe/check/check_servers.h \
	natprobe/vantage/check_turn.c natprobe/vantage/check_turn.h \
	natprobe/check/diagnosis.c natprobe/check/diagnosis.h \
	natprobe/deep/deep_io.c natprobe/deep/deep_io.h \
	natprobe/deep/deep_io_state.h \
	natprobe/deep/deep_io_tcp.c \
	natprobe/deep/deep_io_udp.c \
	natprobe/deep/deep_packet.h \
	natprobe/net/dns.c natprobe/net/dns.h \
	natprobe/report/document.c natprobe/report/document.h \
	natprobe/file.c natprobe/file.h \
	natprobe/reach/gateway_ask.c natprobe/reach/gateway_ask.h \
	natprobe/map/lease_file.c natprobe/map/lease_file.h \
	natprobe/map/lease_io.c natprobe/map/lease_io.h \
	natprobe/map/map_close.c \
	natprobe/map/map_compare.c \
	natprobe/map/map_json.c \
	natprobe/map/map_options.c natprobe/map/map_options.h \
	natprobe/map/map_report.c natprobe/map/map_report.h \
	natprobe/map/map_run.c natprobe/map/map_run.h \
	natprobe/map/map_text.c \
	natprobe/option_rows.h \
	natprobe/map/own_path.c natprobe/map/own_path.h \
	natprobe/deep/nat64_search.c natprobe/deep/nat64_search.h \
	natprobe/net/packet_tap.h \
	natprobe/reach/port_tap.h \
	natprobe/net/portal_check.c natprobe/net/portal_check.h \
	natprobe/check/probe.c natprobe/check/probe.h \
	natprobe/check/probe_conclude.c \
	natprobe/deep/probe_deep.c natprobe/deep/probe_deep.h \
	natprobe/check/probe_io.c natprobe/check/probe_io.h \
	natprobe/net/probe_socket.c natprobe/net/probe_socket.h \
	natprobe/net/tcp_io.c natprobe/net/tcp_io.h \
	natprobe/net/dial_io.c natprobe/net/dial_io.h \
	natprobe/check/probe_state.h \
	natprobe/vantage/probe_turn.c natprobe/vantage/probe_turn.h \
	natprobe/check/progress.c natprobe/check/progress.h \
	natprobe/net/random.c natprobe/net/random.h \
	natprobe/state_file.c natprobe/state_file.h \
	natprobe/net/public_servers.c natprobe/net/public_servers.h \
	natprobe/report/mask.c natprobe/report/mask.h \
	natprobe/reach/reach_options.c natprobe/reach/reach_options.h \
	natprobe/reach/reach_report.c natprobe/reach/reach_report.h \
	natprobe/reach/reach_run.c natprobe/reach/reach_run.h \
	natprobe/report/redact.c natprobe/report/redact.h \
	natprobe/relay/relay_mask.c natprobe/relay/relay_mask.h \
	natprobe/report/report.c natprobe/report/report.h \
	natprobe/report/report_diff.c natprobe/report/report_diff.h \
	natprobe/report/report_diff_json.c \
	natprobe/report/report_evidence.c \
	natprobe/report/report_expect.c \
	natprobe/report/report_get.c natprobe/report/report_get.h \
	natprobe/report/report_json.c natprobe/report/report_json.h \
	natprobe/report/report_json_deep.c natprobe/report/report_json_deep.h \
	natprobe/report/report_json_plan.c natprobe/report/report_json_plan.h \
	natprobe/report/report_json_ports.c natprobe/report/report_json_ports.h \
	natprobe/report/report_json_rfc.c natprobe/report/report_json_rfc.h \
	natprobe/report/report_json_put.c natprobe/report/report_json_put.h \
	natprobe/report/report_json_verdict.c natprobe/report/report_json_verdict.h \
	natprobe/html/html.c natprobe/html/html.h \
	natprobe/html/html_file.c natprobe/html/html_file.h \
	natprobe/html/report_html.c natprobe/html/report_html.h \
	natprobe/html/report_html_card.c \
	natprobe/html/report_html_evidence.c \
	natprobe/html/report_html_ladder.c \
	natprobe/html/report_html_parts.h \
	natprobe/html/report_html_ports.c \
	natprobe/html/report_html_rfc.c \
	natprobe/html/report_html_sequence.c \
	natprobe/html/report_html_style.c \
	natprobe/html/report_html_time.c \
	natprobe/report/report_junit.c \
	natprobe/report/report_prom.c natprobe/report/report_prom.h \
	natprobe/report/report_read.c natprobe/report/report_read.h \
	natprobe/report/report_read_deep.c natprobe/report/report_read_deep.h \
	natprobe/report/report_read_ports.c natprobe/report/report_read_ports.h \
	natprobe/report/report_read_verdict.c natprobe/report/report_read_verdict.h \
	natprobe/report/report_sentence.c natprobe/report/report_sentence.h \
	natprobe/report/report_tap.c \
	natprobe/report/report_tests.c natprobe/report/report_tests.h \
	natprobe/report/report_text.c natprobe/report/report_text.h \
	natprobe/report/report_text_deep.c natprobe/report/report_text_deep.h \
	natprobe/report/report_text_evidence.c natprobe/report/report_text_evidence.h \
	natprobe/report/report_text_explain.c natprobe/report/report_text_explain.h \
	natprobe/report/report_text_plot.c natprobe/report/report_text_plot.h \
	natprobe/report/report_text_put.c natprobe/report/report_text_put.h \
	natprobe/report/report_text_rfc.c natprobe/report/report_text_rfc.h \
	natprobe/report/report_text_values.c natprobe/report/report_text_values.h \
	natprobe/relay/relay_json.c \
	natprobe/relay/relay_lookup.c natprobe/relay/relay_lookup.h \
	natprobe/relay/relay_options.c natprobe/relay/relay_options.h \
	natprobe/relay/relay_report.c natprobe/relay/relay_report.h \
	natprobe/relay/relay_run.c natprobe/relay/relay_run.h \
	natprobe/relay/relay_secrets.c natprobe/relay/relay_secrets.h \
	natprobe/relay/relay_text.c \
	natprobe/net/resolve.c natprobe/net/resolve.h \
	natprobe/map/seen_address.c natprobe/map/seen_address.h \
	natprobe/net/server.h \
	natprobe/html/svg.c natprobe/html/svg.h \
	natprobe/net/tls_check.c natprobe/net/tls_check.h \
	natprobe/map/upnp.h \
	natprobe/map/upnp_job.h

# Chosen by configure: Linux tells more about addresses and routes than others do.
if RTNETLINK
natprobe_libprobeshell_a_SOURCES += \
	natprobe/deep/deep_packet_linux.c \
	natprobe/net/iface_linux.c \
	natprobe/net/netlink_linux.c natprobe/net/netlink_linux.h \
	natprobe/net/packet_tap_linux.c \
	natprobe/reach/port_tap_linux.c \
	natprobe/net/route_linux.c
else
natprobe_libprobeshell_a_SOURCES += \
	natprobe/deep/deep_packet_none.c \
	natprobe/net/iface_portable.c \
	natprobe/net/packet_tap_none.c \
	natprobe/reach/port_tap_none.c
endif

# Chosen by configure: an optional library, or a stand-in.
if MINIUPNPC
natprobe_libprobeshell_a_CFLAGS += $(MINIUPNPC_CFLAGS)
natprobe_libprobeshell_a_SOURCES += \
	natprobe/map/upnp_gateway.c natprobe/map/upnp_gateway.h \
	natprobe/map/upnp_igd.c natprobe/map/upnp_igd.h \
	natprobe/map/upnp_job_miniupnpc.c \
	natprobe/map/upnp_miniupnpc.c \
	natprobe/map/upnp_search.c natprobe/map/upnp_search.h
else
natprobe_libprobeshell_a_SOURCES += \
	natprobe/map/upnp_job_none.c \
	natprobe/map/upnp_none.c
endif

PROBE_SHELL_LIBS = natprobe/libprobeshell.a natprobe/libtransport.a natprobe/libpunch.a natprobe/libprobe.a $(SHELL_LIBS) \
	$(CARES_LIBS) $(JANSSON_LIBS) $(MINIUPNPC_LIBS) \
	$(MOSQUITTO_LIBS) $(USRSCTP_LIBS) -lm

bin_PROGRAMS += natprobe/natprobe
natprobe_natprobe_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS) $(OPENSSL_CFLAGS)
natprobe_natprobe_SOURCES = \
	natprobe/cmd_check.c \
	natprobe/cmd_watch.c \
	natprobe/cmd_diff.c \
	natprobe/cmd_map.c \
	natprobe/cmd_matrix.c \
	natprobe/cmd_plan.c \
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
