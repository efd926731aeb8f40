# The part of natlab that is pure: plans, words for behaviours, packets between the nodes.
noinst_LIBRARIES += tests/libnatlab.a
tests_libnatlab_a_SOURCES = \
	tests/natlab/behaviour.c tests/natlab/behaviour.h \
	tests/natlab/behaviour_kind.c tests/natlab/behaviour_kind.h \
	tests/natlab/fabric.c tests/natlab/fabric.h \
	tests/natlab/hop.c tests/natlab/hop.h \
	tests/natlab/names.c tests/natlab/names.h \
	tests/natlab/parcels.c tests/natlab/parcels.h \
	tests/natlab/plan.c tests/natlab/plan.h \
	tests/natlab/topology.c tests/natlab/topology.h \
	$(NAT_PROFILES)
NATLAB_LIBS = tests/libnatlab.a tests/libnat.a $(SHELL_LIBS) -lm

# Networks from reports of natprobe.
noinst_LIBRARIES += tests/libtwin.a
tests_libtwin_a_SOURCES = \
	tests/nat_twin.c tests/nat_twin.h \
	tests/nat_twin_boxes.c \
	tests/nat_twin_deep.c \
	tests/nat_twin_expected.c \
	tests/nat_twin_parts.h \
	tests/nat_twin_ports.c \
	tests/natlab/twin_report.c tests/natlab/twin_report.h \
	tests/natlab/twin_text.c tests/natlab/twin_text.h
TWIN_LIBS = tests/libtwin.a natprobe/libprobeshell.a natprobe/libprobe.a $(NATLAB_LIBS) \
	$(JANSSON_LIBS) -lm

# ... and in the simulation.
TWIN_SIM_LIBS = tests/libtwin.a tests/libsimdeep.a tests/libsim.a stund/libcoop.a $(TWIN_LIBS)

# natlab: the NAT model between TUN interfaces, for commands of all kinds. Linux only.
if RTNETLINK
bin_PROGRAMS += tests/natlab/natlab
tests_natlab_natlab_CPPFLAGS = $(AM_CPPFLAGS) -DSBINDIR='"$(sbindir)"'
tests_natlab_natlab_CFLAGS = $(AM_CFLAGS) $(LIBEVENT_CFLAGS)
tests_natlab_natlab_SOURCES = \
	tests/natlab/cmd_exec.c \
	tests/natlab/cmd_list.c \
	tests/natlab/cmd_none.c \
	tests/natlab/cmd_pair.c \
	tests/natlab/cmd_run.c \
	tests/natlab/cmd_twin.c \
	tests/natlab/cmd_up.c \
	tests/natlab/command.h \
	tests/natlab/control.c tests/natlab/control.h \
	tests/natlab/control_ask.c \
	tests/natlab/control_path.c \
	tests/natlab/event_log.c tests/natlab/event_log.h \
	tests/natlab/kernel_box.c tests/natlab/kernel_box.h \
	tests/natlab/lab.c tests/natlab/lab.h \
	tests/natlab/main.c \
	tests/natlab/name_server.c tests/natlab/name_server.h \
	tests/natlab/netconf.h tests/natlab/netconf_linux.c \
	tests/natlab/option_rows.h \
	tests/natlab/options.c tests/natlab/options.h \
	tests/natlab/ports.c tests/natlab/ports.h \
	tests/natlab/processes.c tests/natlab/processes.h \
	tests/natlab/servers.c tests/natlab/servers.h \
	tests/natlab/session.c tests/natlab/session.h \
	tests/natlab/spaces.h tests/natlab/spaces_linux.c \
	tests/natlab/tun.h tests/natlab/tun_linux.c
tests_natlab_natlab_LDADD = $(TWIN_LIBS)
endif
dist_man_MANS += doc/natlab.1

# How fast it is.
if RTNETLINK
check_PROGRAMS += tests/bench/bench_natlab
tests_bench_bench_natlab_SOURCES = tests/bench/bench_natlab.c tests/bench/procs.c tests/bench/procs.h
tests_bench_bench_natlab_LDADD = $(SHELL_LIBS)
endif
SYSTEM_TESTS += tests/sys_bench_natlab.sh tests/sys_natlab.sh tests/sys_profiles.sh
SYSTEM_TESTS += tests/sys_twin.sh

# Two ends that want to meet.
check_PROGRAMS += tests/udp_meet
tests_udp_meet_LDADD = $(SHELL_LIBS)

if CMOCKA
UNIT_TESTS += tests/test_natlab_fabric tests/test_natlab_names tests/test_natlab_plan tests/test_nat_twin
tests_test_nat_twin_SOURCES = tests/test_nat_twin.c tests/twin_score.c tests/twin_score.h
tests_test_nat_twin_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_nat_twin_LDADD = $(TWIN_SIM_LIBS) $(CMOCKA_LIBS)
tests_test_natlab_fabric_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_natlab_fabric_LDADD = $(NATLAB_LIBS) $(CMOCKA_LIBS)
tests_test_natlab_names_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_natlab_names_LDADD = $(NATLAB_LIBS) $(CMOCKA_LIBS)
tests_test_natlab_plan_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_natlab_plan_LDADD = $(NATLAB_LIBS) $(CMOCKA_LIBS)
if RTNETLINK
UNIT_TESTS += tests/test_natlab_control
tests_test_natlab_control_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(LIBEVENT_CFLAGS)
tests_test_natlab_control_SOURCES = \
	tests/test_natlab_control.c \
	tests/natlab/control.c \
	tests/natlab/control_path.c
tests_test_natlab_control_LDADD = $(NATLAB_LIBS) $(CMOCKA_LIBS)
endif
endif

# What tests/sys_profiles.sh writes.
.PHONY: clean-natlab
clean-natlab:
	rm -rf tests/natlab/pairs tests/natlab/profiles
clean-local: clean-natlab
