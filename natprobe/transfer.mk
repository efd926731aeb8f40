# Files from one side to the other one: natprobe send and receive.
natprobe_libpunch_a_SOURCES += \
	natprobe/transfer/manifest.c natprobe/transfer/manifest.h \
	natprobe/transfer/safe_name.c natprobe/transfer/safe_name.h \
	natprobe/transfer/transfer_core.c natprobe/transfer/transfer_core.h \
	natprobe/transfer/transfer_files.h \
	natprobe/transfer/transfer_receive.c natprobe/transfer/transfer_receive.h \
	natprobe/transfer/transfer_receive_data.c \
	natprobe/transfer/transfer_receive_look.c \
	natprobe/transfer/transfer_receive_state.h \
	natprobe/transfer/transfer_send.c natprobe/transfer/transfer_send.h \
	natprobe/transfer/transfer_wire.c natprobe/transfer/transfer_wire.h
