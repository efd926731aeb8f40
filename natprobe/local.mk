# The decisions of natprobe: what to send, what the answers mean. No socket, no clock.
noinst_LIBRARIES += natprobe/libprobe.a

natprobe_libprobe_a_SOURCES = \
	natprobe/discover.h \
	natprobe/verdict.c natprobe/verdict.h

PROBE_LIBS = natprobe/libprobe.a $(CORE_LIBS)
