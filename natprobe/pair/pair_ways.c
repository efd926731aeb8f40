#include "pair_ways.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "natprobe/meet/own_key.h"
#include "natprobe/net/random.h"
#include "no_core.h"
#include "pair_guests.h"

#define ADDRESS_SCHEME "natkit:"

static int complain(const struct pair_ways *w, int rc, const char *what)
{
	fprintf(stderr, "natprobe: %s: %s\n", w->like.command, what);
	return rc;
}

static int usage(const struct pair_ways *w, const char *what)
{
	return complain(w, EXIT_USAGE, what);
}

static int by_code(const struct pair_ways *w, char *operand)
{
	const struct punch_options *o = w->like.options;
	struct punch_code code = { 0 };
	struct pair_run run = w->like;
	const bool makes_file = operand == NULL && o->code_file != NULL;
	int rc = 0;

	run.code = code.text;
	/* Not seen among the arguments while somebody is asked for a password. */
	if (!makes_file)
		rc = punch_code_find(run.command, operand, o->code_file, &code);
	if (rc == 0)
		rc = pair_run_open(&run);
	if (rc == 0 && makes_file)
		rc = punch_code_find(run.command, operand, o->code_file, &code);
	if (rc == 0) {
		if (code.is_new && o->code_file == NULL)
			w->show_code(&code, o);
		rc = w->run(&run);
	} else {
		pair_run_clear(&run);
	}
	punch_code_clear(&code);
	return rc;
}

static int by_address(const struct pair_ways *w, const char *text)
{
	struct address address;
	struct pair_run run = w->like;
	const char *why;

	if (!address_parse(text, &address, &why))
		return usage(w, why);
	if (address.is_once)
		return usage(w, "this is an offer by hand, for --answer TOKEN");
	run.invites = &address;
	return w->run(&run);
}

static int open_door(const struct pair_ways *w, struct meet_door **door)
{
	struct own_key key;
	int rc = own_key_read(&key, w->like.options->key_file);

	if (rc == 0)
		*door = meet_door_new(key.private_key, random_draw, NULL, clock_us());
	own_key_clear(&key);
	if (rc != 0)
		return usage(w, "the key of our address cannot be read; natprobe address says why");
	return *door != NULL ? 0 : complain(w, EXIT_FAILED, "out of memory");
}

static int accept_all(const struct pair_ways *w)
{
	struct meet_door *door = NULL;
	int rc = open_door(w, &door);

	if (rc == 0)
		rc = pair_guests_serve(w, door);
	meet_door_free(door);
	return rc;
}

static int by_offer(const struct pair_ways *w)
{
	struct meet_door *door = NULL;
	struct own_key key;
	struct pair_run run = w->like;
	int rc = own_key_make(&key);

	if (rc == 0)
		door = meet_door_new(key.private_key, random_draw, NULL, clock_us());
	OPENSSL_cleanse(key.private_key, sizeof(key.private_key));
	run.offers = &key;
	run.accepts = door;
	rc = door != NULL ? w->run(&run) : complain(w, EXIT_FAILED, "out of memory");
	own_key_clear(&key);
	meet_door_free(door);
	return rc;
}

/* As far as it goes, or until it is whole. */
static void read_offer(char text[static ADDRESS_TEXT_MAX], struct address *a)
{
	const char *why;
	size_t len = 0;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, text + len, ADDRESS_TEXT_MAX - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		text[len] = '\0';
	} while (n > 0 && len + 1 < ADDRESS_TEXT_MAX && !address_parse(text, a, &why));
}

static int by_answer(const struct pair_ways *w)
{
	char typed[ADDRESS_TEXT_MAX];
	const char *text = w->like.options->answer, *why;
	struct address offer = { 0 };
	struct pair_run run = w->like;

	if (strcmp(text, "-") == 0) {
		read_offer(typed, &offer);
		text = typed;
	}
	if (!address_parse(text, &offer, &why))
		return usage(w, why);
	if (!offer.is_once || offer.offer_len == 0)
		return usage(w, "this is an address, and no offer: leave --answer out");
	run.answers = &offer;
	return w->run(&run);
}

int pair_ways_run(const struct pair_ways *w, char *operand)
{
	const struct punch_options *o = w->like.options;
	const bool has_code = operand != NULL || o->code_file != NULL;
	const bool is_address =
		operand != NULL && strncmp(operand, ADDRESS_SCHEME, strlen(ADDRESS_SCHEME)) == 0;

	no_core_begin();
	if ((o->offer || o->answer != NULL) && has_code)
		return usage(
			w, "by hand there is no code: --offer on one side, --answer on the other");
	if (o->accept && has_code)
		return usage(w, "--accept takes no code: others know our address");
	if (is_address && o->code_file != NULL)
		return usage(w, "--code-file: an address needs no code; leave one of them out");
	if (!is_address && !o->offer && o->answer == NULL && !o->accept)
		return by_code(w, operand);
	punch_code_forget();
	if (is_address)
		return by_address(w, operand);
	if (o->accept)
		return accept_all(w);
	return o->offer ? by_offer(w) : by_answer(w);
}
