/*
 * transfer_wire - what natprobe send and receive say to each other over a stream, as bytes
 * (doc/link.md). A message is a kind (1 byte), the length of its body (3 bytes) and the body; integers
 * have the higher byte first.
 *
 *	hello     both, first
 *	offer     sender: how many entries and bytes there are; then each as an entry, directories before
 *	          what is in them
 *	have      receiver: so much of this file is here from an earlier run, and its SHA-256
 *	accept    receiver: go on; all haves were told
 *	file      sender: the next file, from this byte on: 0, or what the receiver has and is right
 *	data      sender: bytes of it
 *	hole      sender: zeros of it, that are not stored
 *	file end  sender: all of it was sent; SHA-256 of the whole
 *	end       sender: all files were
 *	done      receiver: all is in place
 *	bye       sender: it heard so
 *	failed    both: a sentence for people; nothing follows
 */
#ifndef NATPROBE_TRANSFER_WIRE_H
#define NATPROBE_TRANSFER_WIRE_H

#include "safe_name.h"

#define TRANSFER_HEAD        4
#define TRANSFER_BODY_MAX    65536
#define TRANSFER_FRAME_MAX   (TRANSFER_HEAD + TRANSFER_BODY_MAX)
#define TRANSFER_VERSION     1
#define TRANSFER_TEXT_MAX    512 /* of a sentence, with its end */
#define TRANSFER_DIGEST_LEN  32
#define TRANSFER_SIZE_MAX    (UINT64_C(1) << 40) /* of a file */
#define TRANSFER_ENTRIES_MAX 262144
#define TRANSFER_MODE        0777 /* what is kept of a mode */

enum transfer_kind {
	TRANSFER_NONE = 0,
	TRANSFER_HELLO,
	TRANSFER_OFFER,
	TRANSFER_ENTRY,
	TRANSFER_HAVE,
	TRANSFER_ACCEPT,
	TRANSFER_FILE,
	TRANSFER_DATA,
	TRANSFER_HOLE,
	TRANSFER_FILE_END,
	TRANSFER_END,
	TRANSFER_DONE,
	TRANSFER_BYE,
	TRANSFER_FAILED,
	TRANSFER_KINDS,
};

/* Others are read as they are told, for the receiver to refuse. */
enum entry_kind {
	ENTRY_FILE = 1,
	ENTRY_DIRECTORY = 2,
};

struct transfer_entry {
	uint8_t kind; /* enum entry_kind */
	uint16_t mode;
	uint32_t mtime_ns;
	int64_t mtime_s;
	uint64_t size;
	struct bytes path; /* a view */
};

struct transfer_msg {
	uint8_t kind;                        /* enum transfer_kind */
	bool is_sender;                      /* hello */
	uint8_t version;                     /* hello */
	uint32_t count;                      /* offer, done: entries */
	uint64_t total;                      /* offer, done: bytes of all files */
	uint32_t index;                      /* have, file: of the entry, from 0 */
	uint64_t at;                         /* have, file */
	uint64_t len;                        /* hole */
	uint8_t digest[TRANSFER_DIGEST_LEN]; /* have, file end */
	struct transfer_entry entry;
	struct bytes data; /* data; failed: the sentence. A view. */
};

/* How much has to be there for the next message: 4, or its length; 0 for none that we know. */
size_t transfer_wire_need(struct bytes in);
/* A whole message. False: it is malformed. */
bool transfer_wire_read(struct bytes in, struct transfer_msg *out);
/* Returns the length, 0 where cap is too small; TRANSFER_FRAME_MAX is enough. */
size_t transfer_wire_write(const struct transfer_msg *msg, uint8_t *buf, size_t cap);
/* The head of a message whose body of 1 to TRANSFER_BODY_MAX bytes is there already. */
void transfer_wire_head(enum transfer_kind kind, size_t body, uint8_t head[static TRANSFER_HEAD]);

#endif
