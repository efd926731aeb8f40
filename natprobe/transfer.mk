# Files from one side to the other one: natprobe send and receive.
natprobe_libpunch_a_SOURCES += \
	natprobe/transfer/manifest.c natprobe/transfer/manifest.h \
	natprobe/transfer/safe_name.c natprobe/transfer/safe_name.h \
	natprobe/transfer/transfer_core.c natprobe/transfer/transfer_core.h \
	natprobe/transfer/transfer_files.h \
	natprobe/transfer/transfer_rate.c natprobe/transfer/transfer_rate.h \
	natprobe/transfer/transfer_receive.c natprobe/transfer/transfer_receive.h \
	natprobe/transfer/transfer_receive_data.c \
	natprobe/transfer/transfer_receive_look.c \
	natprobe/transfer/transfer_receive_state.h \
	natprobe/transfer/transfer_send.c natprobe/transfer/transfer_send.h \
	natprobe/transfer/transfer_wire.c natprobe/transfer/transfer_wire.h

natprobe_libprobeshell_a_SOURCES += \
	natprobe/transfer/file_piece.c natprobe/transfer/file_piece.h \
	natprobe/transfer/file_place.c natprobe/transfer/file_place.h \
	natprobe/transfer/file_walk.c natprobe/transfer/file_walk.h \
	natprobe/transfer/part_file.c natprobe/transfer/part_file.h \
	natprobe/transfer/receive_run.c natprobe/transfer/receive_run.h \
	natprobe/transfer/send_run.c natprobe/transfer/send_run.h \
	natprobe/transfer/sha256.c natprobe/transfer/sha256.h \
	natprobe/transfer/source_files.c natprobe/transfer/source_files.h \
	natprobe/transfer/target_files.c natprobe/transfer/target_files.h \
	natprobe/transfer/transfer_io.c natprobe/transfer/transfer_io.h \
	natprobe/transfer/transfer_offer.c natprobe/transfer/transfer_offer.h \
	natprobe/transfer/transfer_show.c natprobe/transfer/transfer_show.h

if RTNETLINK
natprobe_libprobeshell_a_SOURCES += \
	natprobe/transfer/file_piece_linux.c \
	natprobe/transfer/file_place_linux.c
else
natprobe_libprobeshell_a_SOURCES += \
	natprobe/transfer/file_piece_none.c \
	natprobe/transfer/file_place_none.c
endif

natprobe_natprobe_SOURCES += \
	natprobe/cmd_receive.c \
	natprobe/cmd_send.c
