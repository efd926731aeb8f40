# The laboratory: namespaces that leave nothing behind, and networks of them.
check_PROGRAMS += tests/lab/netns
tests_lab_netns_SOURCES = tests/lab/netns.c

EXTRA_DIST += tests/check_layers.sh tests/lab/demo.sh tests/lab/lab.sh tests/lab/profiles.sh \
	tests/lab/server.sh
EXTRA_DIST += tests/lab/relay.sh tests/lab/side.sh tests/lab/stories.sh
SYSTEM_TESTS += \
	tests/sys_cleanup.sh \
	tests/sys_lab.sh \
	tests/sys_layers.sh \
	tests/sys_nat.sh

# What the scripts above and bootstrap write.
.PHONY: clean-lab
clean-lab:
	rm -rf tests/lab/cleanup tests/lab/demo tests/lab/nat
clean-local: clean-lab
DISTCLEANFILES += bootstrap.log bootstrap.configured bootstrap.stamp
