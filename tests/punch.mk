# Tests of meeting a peer and punching.

# Meeting: the pure part.
FUZZ_TARGETS += tests/fuzz_code
tests_fuzz_code_SOURCES = tests/fuzz_code.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_code_LDADD = $(PUNCH_LIBS)
tests_fuzz_code_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_meet
tests_fuzz_meet_SOURCES = tests/fuzz_meet.c tests/fuzz_check.h tests/rng.h $(FUZZ_MAIN)
tests_fuzz_meet_LDADD = $(PUNCH_LIBS)
tests_fuzz_meet_LDFLAGS = $(FUZZ_LINK)

if CMOCKA
MEET_KIT = tests/meet_kit.c tests/meet_kit.h tests/fuzz_check.h tests/rng.h
MEET_FIXTURE = tests/meet_fixture.c tests/meet_fixture.h
UNIT_TESTS += tests/test_spake2
tests_test_spake2_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_spake2_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_code
tests_test_code_SOURCES = tests/test_code.c tests/rng.h
tests_test_code_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_code_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_meet
tests_test_meet_SOURCES = tests/test_meet.c $(MEET_FIXTURE) $(MEET_KIT)
tests_test_meet_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_meet_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_meet_clock
tests_test_meet_clock_SOURCES = tests/test_meet_clock.c $(MEET_KIT)
tests_test_meet_clock_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_meet_clock_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_meet_hostile
tests_test_meet_hostile_SOURCES = tests/test_meet_hostile.c $(MEET_FIXTURE) $(MEET_KIT)
tests_test_meet_hostile_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_meet_hostile_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_meet_invite
tests_test_meet_invite_SOURCES = tests/test_meet_invite.c $(MEET_FIXTURE) $(MEET_KIT)
tests_test_meet_invite_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_meet_invite_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_meet_seal
tests_test_meet_seal_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_meet_seal_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

# Connections from both ends at once, and why there is no path.
SYSTEM_TESTS += tests/check_punch.sh
if CMOCKA
UNIT_TESTS += tests/test_reason
tests_test_reason_SOURCES = tests/test_reason.c
tests_test_reason_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_reason_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_tcp_open
tests_test_tcp_open_SOURCES = tests/test_tcp_open.c tests/tcp_world.c tests/tcp_world.h tests/rng.h
tests_test_tcp_open_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_tcp_open_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_tcp_gather
tests_test_tcp_gather_SOURCES = tests/test_tcp_gather.c tests/tcp_world.c tests/tcp_world.h \
	tests/rng.h
tests_test_tcp_gather_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_tcp_gather_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

FUZZ_TARGETS += tests/fuzz_tcp_open
tests_fuzz_tcp_open_SOURCES = tests/fuzz_tcp_open.c tests/fuzz_check.h tests/rng.h $(FUZZ_MAIN)
tests_fuzz_tcp_open_LDADD = $(PUNCH_LIBS)
tests_fuzz_tcp_open_LDFLAGS = $(FUZZ_LINK)

# Two hosts and their NATs on a virtual clock.
check_LIBRARIES += tests/libsimpair.a
tests_libsimpair_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
tests_libsimpair_a_SOURCES = \
	tests/sim_flow.c tests/sim_flow.h \
	tests/sim_pair.c tests/sim_pair.h \
	tests/sim_pair_gateway.c \
	tests/sim_pair_host.c \
	tests/sim_pair_log.c \
	tests/sim_pair_parts.h \
	tests/sim_pair_path.c \
	tests/sim_pair_place.c \
	tests/sim_pair_punch.c \
	tests/sim_pair_server.c \
	tests/sim_pair_tcp.c
tests_libsimpair_a_SOURCES += \
	tests/punch_oracle.c tests/punch_oracle.h \
	tests/punch_oracle_script.c tests/punch_oracle_script.h
tests_libsimpair_a_SOURCES += \
	tests/punch_judge.c tests/punch_judge.h \
	tests/punch_judge_boxes.c \
	tests/punch_judge_events.c \
	tests/punch_judge_parts.h \
	tests/punch_score.c tests/punch_score.h
SIM_PAIR_LIBS = tests/libsimpair.a tests/libsimdeep.a tests/libsim.a tests/libnat.a \
	stund/libcoop.a $(PUNCH_LIBS)
check_PROGRAMS += tests/pair_show
tests_pair_show_LDADD = $(SIM_PAIR_LIBS) -lm
check_PROGRAMS += tests/bench/punch_matrix
tests_bench_punch_matrix_LDADD = $(SIM_PAIR_LIBS) -lm
check_PROGRAMS += tests/oracle_show
tests_oracle_show_LDADD = $(SIM_PAIR_LIBS)
if CMOCKA
UNIT_TESTS += tests/test_sim_flow
tests_test_sim_flow_SOURCES = tests/test_sim_flow.c
tests_test_sim_flow_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_sim_flow_LDADD = $(SIM_PAIR_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_sim_pair
tests_test_sim_pair_SOURCES = tests/test_sim_pair.c
tests_test_sim_pair_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_sim_pair_LDADD = $(SIM_PAIR_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/scen_punch_pairs
tests_scen_punch_pairs_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_scen_punch_pairs_LDADD = $(SIM_PAIR_LIBS) $(CMOCKA_LIBS) -lm
UNIT_TESTS += tests/scen_punch_reasons
tests_scen_punch_reasons_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_scen_punch_reasons_LDADD = $(SIM_PAIR_LIBS) $(CMOCKA_LIBS) -lm
UNIT_TESTS += tests/test_punch_oracle
tests_test_punch_oracle_SOURCES = tests/test_punch_oracle.c
tests_test_punch_oracle_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(CRYPTO_CFLAGS)
tests_test_punch_oracle_LDADD = $(SIM_PAIR_LIBS) $(CMOCKA_LIBS)
endif

if CMOCKA
UNIT_TESTS += tests/test_check
tests_test_check_SOURCES = tests/test_check.c
tests_test_check_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_check_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

# A trial of punching.
if CMOCKA
UNIT_TESTS += tests/test_punch
tests_test_punch_SOURCES = tests/test_punch.c tests/punch_rig.c tests/punch_rig.h tests/rng.h
tests_test_punch_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_punch_LDADD = $(PUNCH_LIBS) -lm $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_punch_fragile
tests_test_punch_fragile_SOURCES = \
	tests/test_punch_fragile.c tests/punch_rig.c tests/punch_rig.h tests/rng.h
tests_test_punch_fragile_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_punch_fragile_LDADD = $(PUNCH_LIBS) -lm $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_punch_wire
tests_test_punch_wire_SOURCES = tests/test_punch_wire.c
tests_test_punch_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_punch_wire_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

FUZZ_TARGETS += tests/fuzz_punch
tests_fuzz_punch_SOURCES = tests/fuzz_punch.c tests/fuzz_check.h tests/rng.h $(FUZZ_MAIN)
tests_fuzz_punch_LDADD = $(PUNCH_LIBS) -lm
tests_fuzz_punch_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_punch_wire
tests_fuzz_punch_wire_SOURCES = tests/fuzz_punch_wire.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_punch_wire_LDADD = $(PUNCH_LIBS)
tests_fuzz_punch_wire_LDFLAGS = $(FUZZ_LINK)

# What peers tell each other.
if CMOCKA
UNIT_TESTS += tests/test_address tests/test_peer_facts tests/test_peer_wire
tests_test_address_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_address_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
tests_test_peer_facts_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_peer_facts_LDADD = natprobe/libpunch.a $(SIM_DEEP_LIBS) $(CMOCKA_LIBS)
tests_test_peer_wire_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_peer_wire_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

FUZZ_TARGETS += tests/fuzz_address
tests_fuzz_address_SOURCES = tests/fuzz_address.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_address_LDADD = $(PUNCH_LIBS)
tests_fuzz_address_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_peer_offer
tests_fuzz_peer_offer_SOURCES = tests/fuzz_peer_offer.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_peer_offer_LDADD = $(PUNCH_LIBS)
tests_fuzz_peer_offer_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_peer_profile
tests_fuzz_peer_profile_SOURCES = tests/fuzz_peer_profile.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_peer_profile_LDADD = $(PUNCH_LIBS)
tests_fuzz_peer_profile_LDFLAGS = $(FUZZ_LINK)

# What is told of trials.
if CMOCKA
UNIT_TESTS += tests/test_trial
tests_test_trial_SOURCES = tests/test_trial.c \
	tests/page.c tests/page.h \
	tests/page_law.c tests/page_law.h \
	tests/trial_fixture.c tests/trial_fixture.h
tests_test_trial_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_trial_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_trial_matrix
tests_test_trial_matrix_SOURCES = tests/test_trial_matrix.c \
	tests/page.c tests/page.h \
	tests/page_law.c tests/page_law.h \
	tests/trial_fixture.c tests/trial_fixture.h
tests_test_trial_matrix_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_trial_matrix_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
endif

# Prints what natprobe punch --json would, for tests/sys_matrix.sh.
check_PROGRAMS += tests/trial_show
tests_trial_show_SOURCES = tests/trial_show.c tests/trial_fixture.c tests/trial_fixture.h
tests_trial_show_LDADD = $(PROBE_SHELL_LIBS)
SYSTEM_TESTS += tests/sys_matrix.sh

FUZZ_TARGETS += tests/fuzz_trial
tests_fuzz_trial_SOURCES = tests/fuzz_trial.c tests/fuzz_check.h \
	tests/page.c tests/page.h \
	tests/page_law.c tests/page_law.h $(FUZZ_MAIN)
tests_fuzz_trial_LDADD = $(PROBE_SHELL_LIBS)
tests_fuzz_trial_LDFLAGS = $(FUZZ_LINK)

# What takes messages between peers.
if CMOCKA
UNIT_TESTS += tests/test_rendezvous
tests_test_rendezvous_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_rendezvous_LDADD = $(RENDEZVOUS_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_rendezvous_http
tests_test_rendezvous_http_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_rendezvous_http_LDADD = $(RENDEZVOUS_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_carrier
tests_test_carrier_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_carrier_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_sntp
tests_test_sntp_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_sntp_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_sntp_io
tests_test_sntp_io_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_sntp_io_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
endif

SYSTEM_TESTS += tests/sys_rendezvous.sh

# One end of a carrier, for tests/sys_rendezvous.sh.
check_PROGRAMS += tests/carrier_talk
tests_carrier_talk_SOURCES = tests/carrier_talk.c
tests_carrier_talk_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
tests_carrier_talk_LDADD = $(PROBE_SHELL_LIBS)

FUZZ_TARGETS += tests/fuzz_sntp
tests_fuzz_sntp_SOURCES = tests/fuzz_sntp.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_sntp_LDADD = $(PUNCH_LIBS)
tests_fuzz_sntp_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_carrier_uri
tests_fuzz_carrier_uri_SOURCES = tests/fuzz_carrier_uri.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_carrier_uri_LDADD = $(PUNCH_LIBS)
tests_fuzz_carrier_uri_LDFLAGS = $(FUZZ_LINK)

FUZZ_TARGETS += tests/fuzz_rendezvous
tests_fuzz_rendezvous_SOURCES = tests/fuzz_rendezvous.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_rendezvous_LDADD = $(RENDEZVOUS_LIBS)
tests_fuzz_rendezvous_LDFLAGS = $(FUZZ_LINK)

# Plans and shots.
if CMOCKA
UNIT_TESTS += tests/test_punch_plan tests/test_shots
tests_test_punch_plan_SOURCES = \
	tests/punch_paths.c tests/punch_paths.h \
	tests/test_punch_plan.c
tests_test_punch_plan_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_punch_plan_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
tests_test_shots_SOURCES = \
	tests/punch_paths.c tests/punch_paths.h \
	tests/test_shots.c
tests_test_shots_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_shots_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_shots_hostile
tests_test_shots_hostile_SOURCES = \
	tests/punch_paths.c tests/punch_paths.h \
	tests/rng.h \
	tests/test_shots_hostile.c
tests_test_shots_hostile_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_shots_hostile_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_plan_report
tests_test_plan_report_SOURCES = \
	tests/report_fixture.c tests/report_fixture.h \
	tests/test_plan_report.c
tests_test_plan_report_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_plan_report_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
endif

# What the shell says, keeps and hands over.
if CMOCKA
UNIT_TESTS += tests/test_chat tests/test_handover tests/test_own_key tests/test_talk
tests_test_chat_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_chat_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_handover_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_handover_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_own_key_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_own_key_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
UNIT_TESTS += tests/test_parting tests/test_parting_io
tests_test_parting_io_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_parting_io_LDADD = $(PROBE_SHELL_LIBS) $(CMOCKA_LIBS)
tests_test_parting_SOURCES = tests/rng.h tests/test_parting.c
tests_test_parting_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_parting_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
tests_test_talk_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_talk_LDADD = $(PUNCH_LIBS) $(CMOCKA_LIBS)
endif

FUZZ_TARGETS += tests/fuzz_parting
tests_fuzz_parting_SOURCES = tests/fuzz_parting.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_parting_LDADD = $(PUNCH_LIBS)
tests_fuzz_parting_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz_talk
tests_fuzz_talk_SOURCES = tests/fuzz_talk.c tests/fuzz_check.h $(FUZZ_MAIN)
tests_fuzz_talk_LDADD = $(PUNCH_LIBS)
tests_fuzz_talk_LDFLAGS = $(FUZZ_LINK)
SYSTEM_TESTS += tests/sys_plan.sh

FUZZ_TARGETS += tests/fuzz_shots
tests_fuzz_shots_SOURCES = tests/fuzz_shots.c tests/fuzz_check.h \
	tests/punch_paths.c tests/punch_paths.h $(FUZZ_MAIN)
tests_fuzz_shots_LDADD = $(PUNCH_LIBS)
tests_fuzz_shots_LDFLAGS = $(FUZZ_LINK)

# Two natprobes, each behind a NAT of its own; and the program that they hand their path to.
SYSTEM_TESTS += tests/sys_punch.sh tests/sys_punch_byhand.sh tests/sys_punch_clock.sh
SYSTEM_TESTS += tests/sys_punch_alone.sh tests/sys_punch_handover.sh
EXTRA_DIST += tests/echo.sh tests/time_server.py tests/whole_lines.py
SYSTEM_TESTS += tests/sys_wireguard.sh tests/sys_readme_punch.sh

# Their messages go one way only.
SYSTEM_TESTS += tests/sys_punch_oneway.sh
EXTRA_DIST += tests/mute_rendezvous.py

# Many come to one.
SYSTEM_TESTS += tests/sys_punch_guests.sh

# The same among enemies.
SYSTEM_TESTS += tests/sys_punch_hostile.sh
EXTRA_DIST += tests/punch_enemy.py tests/rendezvous_liar.py

# The same in many pairs of networks.
SYSTEM_TESTS += tests/sys_punch_pairs.sh
EXTRA_DIST += tests/lab/pairs.jq tests/lab/pairs.txt
