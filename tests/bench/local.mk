# Benchmarks: built by `make check`, never installed. Each prints JSON and knows --help.
if COUNT_ALLOCATIONS
ALLOC_COUNT = tests/alloc_count.c tests/alloc_count.h
else
ALLOC_COUNT = tests/alloc_count_none.c tests/alloc_count.h
endif

check_PROGRAMS += tests/bench/bench_codec
tests_bench_bench_codec_SOURCES = tests/bench/bench_codec.c \
	tests/bench/steps.c tests/bench/steps.h \
	tests/codec_load.c tests/codec_load.h $(ALLOC_COUNT)
tests_bench_bench_codec_LDADD = $(CORE_LIBS)

check_PROGRAMS += tests/bench/bench_forward
tests_bench_bench_forward_SOURCES = tests/bench/bench_forward.c \
	tests/bench/steps.c tests/bench/steps.h tests/codec_load.h \
	tests/forward_kit.c tests/forward_kit.h tests/rng.h $(ALLOC_COUNT)
tests_bench_bench_forward_LDADD = $(TURND_CORE_LIBS)
SYSTEM_TESTS += tests/sys_bench_codec.sh

# Measures servers by what only Linux tells.
if BATCHED_UDP
check_PROGRAMS += tests/bench/bench_stund
tests_bench_bench_stund_SOURCES = tests/bench/bench_stund.c \
	tests/bench/contest.c tests/bench/contest.h \
	tests/bench/floor.c tests/bench/floor.h \
	tests/bench/procs.c tests/bench/procs.h
tests_bench_bench_stund_LDADD = $(SHELL_LIBS)

check_PROGRAMS += tests/bench/bench_relay
tests_bench_bench_relay_SOURCES = tests/bench/bench_relay.c \
	tests/bench/contest.c tests/bench/contest.h \
	tests/bench/floor_relay.c tests/bench/floor_relay.h \
	tests/bench/procs.c tests/bench/procs.h \
	tests/bench/rivals.c tests/bench/rivals.h
tests_bench_bench_relay_LDADD = $(SHELL_LIBS)
endif
SYSTEM_TESTS += tests/sys_bench_stund.sh tests/sys_bench_relay.sh

# Diagnoses in the simulation, judged by the truth.
check_PROGRAMS += tests/bench/deep_accuracy
tests_bench_deep_accuracy_SOURCES = tests/bench/deep_accuracy.c \
	tests/deep_score.c tests/deep_score.h
tests_bench_deep_accuracy_LDADD = $(SIM_DEEP_LIBS)
check_PROGRAMS += tests/bench/twin
tests_bench_twin_SOURCES = tests/bench/twin.c tests/twin_score.c tests/twin_score.h
tests_bench_twin_LDADD = $(TWIN_SIM_LIBS)
check_PROGRAMS += tests/bench/deep_unseen
tests_bench_deep_unseen_SOURCES = tests/bench/deep_unseen.c \
	tests/deep_score.c tests/deep_score.h
tests_bench_deep_unseen_LDADD = $(SIM_DEEP_LIBS)
check_PROGRAMS += tests/bench/accuracy
tests_bench_accuracy_SOURCES = tests/bench/accuracy.c \
	tests/bench/accuracy_report.c tests/bench/accuracy_report.h \
	tests/bench/accuracy_run.c tests/bench/accuracy_run.h \
	tests/bench/accuracy_sum.c tests/bench/accuracy_sum.h \
	tests/score.c tests/score.h
tests_bench_accuracy_LDADD = $(SIM_LIBS) -lm

check_PROGRAMS += tests/bench/regress
tests_bench_regress_SOURCES = tests/bench/regress.c \
	tests/network_change.c tests/network_change.h \
	tests/saved.c tests/saved.h
tests_bench_regress_LDADD = $(SIM_LIBS)

# natprobe beside other tools, behind every NAT of natlab: doc/comparison.md.
EXTRA_DIST += tests/bench/compare.sh

# Rules of port allocation, by the thousand.
check_PROGRAMS += tests/bench/ports
tests_bench_ports_SOURCES = tests/bench/ports.c \
	tests/port_box.c tests/port_box.h \
	tests/port_cases.c tests/port_cases.h
tests_bench_ports_LDADD = $(PROBE_LIBS)

# Networks that no table lists, class by class.
check_PROGRAMS += tests/bench/unseen
tests_bench_unseen_SOURCES = tests/bench/unseen.c \
	tests/score.c tests/score.h \
	$(UNSEEN)
tests_bench_unseen_LDADD = $(SIM_LIBS)

# What a transport carries, by each congestion control of libusrsctp.
if USRSCTP
check_PROGRAMS += tests/bench/bench_transport
tests_bench_bench_transport_SOURCES = tests/bench/bench_transport.c \
	tests/transport_pair.c tests/transport_pair.h
tests_bench_bench_transport_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(USRSCTP_CFLAGS)
tests_bench_bench_transport_LDADD = $(TRANSPORT_LIBS)
endif

# natprobe pipe beside iperf3, over the same lines of natlab.
if BATCHED_UDP
check_PROGRAMS += tests/bench/pipe_end
tests_bench_pipe_end_SOURCES = tests/bench/pipe_end.c
tests_bench_pipe_end_LDADD = $(SHELL_LIBS)
endif
EXTRA_DIST += tests/bench/bench_pipe
SYSTEM_TESTS += tests/sys_bench_pipe.sh
