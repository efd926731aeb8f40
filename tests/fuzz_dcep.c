/* What is read as a message of DCEP, or a word of a stream, is written again as it was read. */
#include "natprobe/transport/channel_word.h"
#include "natprobe/transport/dcep.h"

#include "fuzz_check.h"

static void check_printable(const char *text)
{
	for (; *text != '\0'; text++)
		FUZZ_CHECK(*text >= ' ' && *text <= '~');
}

static void check_dcep(struct bytes in)
{
	struct dcep_open open;
	uint8_t buf[65536];
	char label[16];
	size_t n = 0;

	switch (dcep_read(in, &open)) {
	case DCEP_OPEN:
		n = dcep_open_write(&open, buf, sizeof(buf));
		dcep_text_copy(open.label, label, sizeof(label));
		check_printable(label);
		break;
	case DCEP_ACK:
		n = dcep_ack_write(buf, sizeof(buf));
		break;
	default:
		return;
	}
	FUZZ_CHECK(n == in.len && memcmp(buf, in.data, n) == 0);
}

static void check_word(struct bytes in)
{
	struct channel_word word, again;
	uint8_t buf[CHANNEL_WORD_MAX];
	size_t n;

	channel_word_read(in, &word);
	check_printable(word.text);
	n = channel_word_write(&word, buf);
	FUZZ_CHECK(n <= sizeof(buf));
	if (word.kind == CHANNEL_WORD_NONE || word.kind == CHANNEL_WORD_BAD) {
		FUZZ_CHECK(n == 0);
		return;
	}
	channel_word_read(bytes_of(buf, n), &again);
	FUZZ_CHECK(again.kind == word.kind && again.grant == word.grant);
	FUZZ_CHECK(strcmp(again.text, word.text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len > 60000)
		return 0;
	check_dcep(bytes_of(data, len));
	check_word(bytes_of(data, len));
	return 0;
}
