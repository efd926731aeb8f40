#include "transfer_offer.h"

#include <stdio.h>

#include "transfer_rate.h"

#define NAMES_SHOWN 10

bool transfer_offer_is_top(struct bytes path)
{
	return memchr(path.data, '/', path.len) == NULL;
}

static bool is_below(struct bytes path, struct bytes top)
{
	return path.len > top.len && path.data[top.len] == '/' &&
	       memcmp(path.data, top.data, top.len) == 0;
}

/* Entry `at`, and how much is in it. */
static void print_top(const struct manifest *m, uint32_t at)
{
	struct transfer_entry e = manifest_get(m, at);
	char name[SAFE_TEXT_MAX], size[TRANSFER_SIZE_TEXT];
	uint64_t bytes = e.size;
	uint32_t files = 0;

	for (uint32_t i = at + 1; i < manifest_count(m); i++) {
		struct transfer_entry below = manifest_get(m, i);

		if (!is_below(below.path, e.path))
			continue;
		bytes += below.size;
		files += below.kind == ENTRY_FILE;
	}
	safe_text(e.path, name);
	transfer_size_text(bytes, size);
	if (e.kind == ENTRY_FILE)
		fprintf(stderr, "  %s  %s\n", name, size);
	else
		fprintf(stderr, "  %s/  %u file%s, %s\n", name, (unsigned)files,
			files == 1 ? "" : "s", size);
}

/* What nobody sees later in a list of files, and programs obey: .profile. */
static bool is_hidden(struct bytes path)
{
	return path.len > 0 && path.data[0] == '.';
}

/* Of those that are hidden, or not: prints them as long as there is room. Returns how many there are. */
static uint32_t print_tops(const struct manifest *m, bool hidden, uint32_t room)
{
	uint32_t tops = 0;

	for (uint32_t i = 0; i < manifest_count(m); i++) {
		struct bytes path = manifest_get(m, i).path;

		if (!transfer_offer_is_top(path) || is_hidden(path) != hidden)
			continue;
		if (tops++ < room)
			print_top(m, i);
	}
	return tops;
}

static uint32_t above(uint32_t count, uint32_t room)
{
	return count > room ? count - room : 0;
}

void transfer_offer_print(const struct manifest *m, const char *directory)
{
	char size[TRANSFER_SIZE_TEXT];
	uint32_t files = manifest_files(m), hidden, others;

	fprintf(stderr, "The other side offers %u file%s, %s, to be written below %s:\n",
		(unsigned)files, files == 1 ? "" : "s", transfer_size_text(manifest_total(m), size),
		directory);
	hidden = print_tops(m, true, NAMES_SHOWN);
	others = print_tops(m, false, above(NAMES_SHOWN, hidden));
	if (hidden + others <= NAMES_SHOWN)
		return;
	fprintf(stderr, "  and %u more", (unsigned)(hidden + others - NAMES_SHOWN));
	if (hidden > NAMES_SHOWN)
		fprintf(stderr, ", %u of them hidden", (unsigned)(hidden - NAMES_SHOWN));
	fputc('\n', stderr);
}
