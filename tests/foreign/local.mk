# Clients that we did not write, against turnd. What they are written in is compiled by the tests
# themselves, where it is installed.
SYSTEM_TESTS += \
	tests/sys_foreign_aioice.sh \
	tests/sys_foreign_chromium.sh \
	tests/sys_foreign_nice.sh \
	tests/sys_foreign_pion.sh \
	tests/sys_foreign_uclient.sh

EXTRA_DIST += \
	tests/foreign/aioice_relay.py \
	tests/foreign/chromium_relay.html \
	tests/foreign/chromium_relay.py \
	tests/foreign/nice_relay.c \
	tests/foreign/pion_relay.go \
	tests/foreign/relay.sh
