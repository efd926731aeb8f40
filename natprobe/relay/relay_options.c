#include "relay_options.h"

#include <string.h>

#include "natprobe/option_rows.h"
#include "relay_trial.h"

#define FIELD(name) OPT_FIELD(struct relay_options, name)

static int find_transport(const char *word, size_t len)
{
	for (uint8_t t = 0; t < TURN_TRANSPORTS; t++) {
		const char *name = turn_transport_word(t);

		if (strlen(name) == len && memcmp(name, word, len) == 0)
			return t;
	}
	return -1;
}

/* A list with commas. Returns how many there are, each counted once; 0: something is none. */
static size_t read_transports(const char *text, uint8_t out[static TURN_TRANSPORTS])
{
	unsigned int seen = 0;
	size_t count = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		int t = find_transport(text, len);

		if (t < 0)
			return 0;
		if ((seen & 1u << t) == 0)
			out[count++] = (uint8_t)t;
		seen |= 1u << t;
		if (text[len] == '\0')
			return count;
		text += len + 1;
	}
}

static bool check_transport(const char *text, struct opt_error *err)
{
	uint8_t list[TURN_TRANSPORTS];

	if (read_transports(text, list) > 0)
		return true;
	snprintf(err->text, sizeof(err->text), "%s", "not a list of udp, tcp, tls and dtls");
	return false;
}

size_t relay_options_transports(const struct relay_options *o, uint8_t out[static TURN_TRANSPORTS])
{
	return read_transports(o->transport != NULL ? o->transport : "udp,tcp,tls,dtls", out);
}

static const struct opt table[] = {
	ROW_USER(struct relay_options),
	ROW_PASSWORD_FILE(struct relay_options),
	ROW_TOKEN_FILE(struct relay_options),
	{ .name = "transport",
	  .type = OPT_STR,
	  .offset = FIELD(transport),
	  .flags = OPT_CLI_ONLY,
	  .value = "LIST",
	  .check = check_transport,
	  .help = "try only these of udp,tcp,tls,dtls, as far as the URI allows them" },
	ROW_IPV4(struct relay_options, "reach the server"),
	ROW_IPV6(struct relay_options, "reach the server"),
	ROW_CA_FILE(struct relay_options),
	OPT_ROW_FLAG(struct relay_options, insecure, 0,
		     "go on with any certificate, and say what is wrong with it"),
	{ .name = "rate",
	  .type = OPT_INT,
	  .offset = FIELD(rate),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "100",
	  .min = 1,
	  .max = RELAY_RATE_MAX,
	  .value = "N",
	  .help = "relay N packets a second on each transport and family" },
	{ .name = "duration",
	  .type = OPT_MS,
	  .offset = FIELD(duration_ms),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "3s",
	  .min = 100,
	  .max = 60000,
	  .value = "TIME",
	  .help = "relay for so long" },
	{ .name = "length",
	  .type = OPT_INT,
	  .offset = FIELD(length),
	  .flags = OPT_CLI_ONLY,
	  .fallback = "160",
	  .min = RELAY_LENGTH_MIN,
	  .max = RELAY_LENGTH_MAX,
	  .value = "BYTES",
	  .help = "relay packets of so many bytes" },
	ROW_TIMEOUT(struct relay_options,
		    "end each trial after TIME beside the relaying, with what is known by then"),
	ROW_JSON(struct relay_options),
	OPT_ROW_FLAG(struct relay_options, quiet, 'q',
		     "print one line for each transport and address"),
	ROW_REDACT(struct relay_options),
	OPT_ROW_HELP(struct relay_options),
	{ 0 },
};

const struct opt_program relay_program = {
	.name = "natprobe",
	.synopsis = "relay [OPTION]... URI",
	.summary = "Tries a TURN server on every transport that its URI (turn:HOST, turns:HOST) "
		   "allows, and relays packets through it.",
	.table = table,
	.size = sizeof(struct relay_options),
};
