# The path in use. libtransport: SCTP over DTLS, no socket and no clock, but OpenSSL and libusrsctp.
noinst_LIBRARIES += natprobe/libtransport.a

natprobe_libtransport_a_CFLAGS = $(AM_CFLAGS) $(OPENSSL_CFLAGS) $(USRSCTP_CFLAGS)
natprobe_libtransport_a_SOURCES = \
	natprobe/transport/channel.h \
	natprobe/transport/identity.c natprobe/transport/identity.h \
	natprobe/transport/transport.h

natprobe_libpunch_a_SOURCES += \
	natprobe/link/attach_wire.c natprobe/link/attach_wire.h \
	natprobe/link/link_mtu.c natprobe/link/link_mtu.h \
	natprobe/link/link_path.c natprobe/link/link_path.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/link/link_options.c natprobe/link/link_options.h \
	natprobe/link/link_user.h
