#include "check_turn.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "dial.h"
#include "natprobe/net/random.h"
#include "natprobe/relay/relay_lookup.h"
#include "natprobe/report/report.h"

#define LOOKUP_MAX_MS 5000

static int usage(const char *what, const char *why)
{
	fprintf(stderr, "natprobe: %s: %s\n", what, why);
	return EXIT_USAGE;
}

static int failure(const char *what)
{
	fprintf(stderr, "natprobe: %s\n", what);
	return EXIT_FAILED;
}

static int check_combination(const struct check_options *o)
{
	if (o->turn == NULL && (o->user != NULL || o->password_file != NULL ||
				o->token_file != NULL || o->ca_file != NULL || o->insecure))
		return usage("--turn",
			     "credentials and certificates are for a TURN server; name one");
	if (o->token_file != NULL && (o->user != NULL || o->password_file != NULL))
		return usage("--token-file", "takes the place of user name and password");
	if (o->password_file != NULL && o->user == NULL)
		return usage("--password-file", "whose password? name a --user");
	return 0;
}

int check_turn_read(struct check_turn *t, const struct check_options *o)
{
	const char *what, *why;
	int rc = check_combination(o);

	if (rc != 0 || o->turn == NULL)
		return rc;
	if (!stun_uri_parse(bytes_of_str(o->turn), &t->uri, &why))
		return usage(o->turn, why);
	if (t->uri.scheme != STUN_URI_TURN && t->uri.scheme != STUN_URI_TURNS)
		return usage(o->turn, "not a TURN server; write turn:HOST or turns:HOST");
	if (!relay_secrets_read(&t->secrets, o->user, o->password_file, o->token_file, &what, &why))
		return usage(what, why);
	t->server.name = o->turn;
	t->server.domain = t->uri.host;
	t->server.credentials = t->secrets.credentials;
	t->server.insecure = o->insecure;
	return 0;
}

static void take_targets(struct turn_server *s, const struct turn_resolve *r)
{
	size_t count;
	const struct turn_candidate *list = turn_resolve_list(r, &count);

	for (size_t i = 0; i < count; i++) {
		int family = server_family(list[i].to.family);

		if (s->target_counts[family] < VANTAGE_TARGETS_MAX)
			s->targets[family][s->target_counts[family]++] =
				(struct vantage_target){ list[i].transport, list[i].to };
	}
}

static bool has_transport(const struct turn_server *s, uint8_t transport)
{
	for (int f = 0; f < SERVER_FAMILIES; f++) {
		for (size_t i = 0; i < s->target_counts[f]; i++) {
			if (s->targets[f][i].transport == transport)
				return true;
		}
	}
	return false;
}

/* A CA file that cannot be read is told at once, whether it is needed or not. */
static int open_contexts(struct turn_server *s, const char *ca_file)
{
	struct tls_error err;

	if (ca_file != NULL || has_transport(s, TURN_OVER_TLS)) {
		s->tls = dial_context_new(TLS_STREAM, ca_file, &err);
		if (s->tls == NULL)
			return usage("certificates", err.text);
	}
	if (has_transport(s, TURN_OVER_DTLS)) {
		s->dtls = dial_context_new(TLS_DATAGRAM, ca_file, &err);
		if (s->dtls == NULL)
			return usage("certificates", err.text);
	}
	return 0;
}

int check_turn_resolve(struct check_turn *t, const struct check_options *o, struct event_base *base)
{
	const struct turn_resolve_config config = {
		.uri = t->uri,
		.transports = { TURN_OVER_UDP, TURN_OVER_TCP, TURN_OVER_TLS, TURN_OVER_DTLS },
		.transport_count = TURN_TRANSPORTS,
		.ipv4 = o->ipv4,
		.ipv6 = o->ipv6,
		.random = random_draw,
	};
	uint64_t third = o->timeout_ms / 3;
	struct turn_resolve *r;
	const char *why;
	int rc;

	if (t->server.name == NULL)
		return 0;
	why = turn_resolve_check(&config);
	if (why != NULL)
		return usage(t->server.name, why);
	r = turn_resolve_new(&config);
	if (r == NULL)
		return failure("out of memory");
	rc = relay_lookup(base, r, third < LOOKUP_MAX_MS ? third : LOOKUP_MAX_MS);
	take_targets(&t->server, r);
	if (t->server.target_counts[SERVER_IPV4] + t->server.target_counts[SERVER_IPV6] == 0)
		fprintf(stderr, "natprobe: warning: %s: %s\n", t->server.name, turn_resolve_why(r));
	turn_resolve_free(r);
	return rc == 0 ? open_contexts(&t->server, o->ca_file) : failure(strerror(-rc));
}

void check_turn_clear(struct check_turn *t)
{
	SSL_CTX_free(t->server.tls);
	SSL_CTX_free(t->server.dtls);
	relay_secrets_clear(&t->secrets);
}
