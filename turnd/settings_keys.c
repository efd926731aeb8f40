/* The part of settings that holds certificates, and the keys of nonces and tickets. */
#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "settings_parts.h"
#include "text_file.h"
#include "tls.h"

static bool wrong(struct opt_error *err, const char *what)
{
	snprintf(err->text, sizeof(err->text), "%s", what);
	return false;
}

static bool make_contexts(const char *cert, const char *key, struct settings_name *n,
			  struct tls_error *why)
{
	static const char *const alpn[] = { TLS_ALPN_TURN, TLS_ALPN_NAT_DISCOVERY, NULL };
	struct tls_server_options options = { .cert_file = cert, .key_file = key, .alpn = alpn };

	n->tls = tls_server_new(TLS_STREAM, &options, why);
	n->dtls = n->tls != NULL ? tls_server_new(TLS_DATAGRAM, &options, why) : NULL;
	return n->dtls != NULL;
}

/* The same certificate under one more name. */
static bool add_name(struct settings_parts *p, const struct settings_name *like, const char *name,
		     uint64_t realm)
{
	struct settings_name *list = realloc(p->names, (p->name_count + 1) * sizeof(*list));
	struct settings_name n = { .realm = realm, .tls = like->tls, .dtls = like->dtls };
	char *lower = name != NULL ? strdup(name) : NULL;

	if (list != NULL)
		p->names = list;
	if (list == NULL || (name != NULL && lower == NULL)) {
		free(lower);
		return false;
	}
	for (char *c = lower; c != NULL && *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	n.server_name = lower;
	SSL_CTX_up_ref(n.tls);
	SSL_CTX_up_ref(n.dtls);
	list[p->name_count++] = n;
	return true;
}

static bool add_names(struct settings_parts *p, const struct settings_name *like,
		      const struct turnd_conf_realm *c, uint64_t realm)
{
	char *const *names = c->server_names.items;

	for (size_t i = 0; i < c->server_names.count; i++) {
		if (!add_name(p, like, names[i], realm))
			return false;
	}
	return true;
}

/* Realm number i; `plain`: the certificate of the plain keys, for realms that have none. */
static bool add_realm(const struct turnd_conf *conf, size_t i, struct settings_parts *p,
		      const struct settings_name *plain, struct opt_error *err)
{
	struct turnd_conf_realm c = turnd_conf_realm_at(conf, i);
	struct settings_name own = { 0 };
	struct tls_error why;
	bool ok;

	if (c.cert_file == NULL)
		return plain->tls == NULL || add_names(p, plain, &c, p->realms[i].id) ||
		       wrong(err, "out of memory");
	if (!make_contexts(c.cert_file, c.key_file, &own, &why)) {
		SSL_CTX_free(own.tls);
		return settings_wrong(conf, i, "cert-file", why.text, err);
	}
	/* The first certificate is for those who ask for no name. */
	ok = (p->name_count > 0 || add_name(p, &own, NULL, 0)) &&
	     add_names(p, &own, &c, p->realms[i].id);
	SSL_CTX_free(own.tls);
	SSL_CTX_free(own.dtls);
	return ok || wrong(err, "out of memory");
}

/* Connections begin with the first context, and go on with that of the name they ask for. */
static bool choose_by_name(const struct settings_parts *p)
{
	struct tls_name *names = calloc(2 * p->name_count, sizeof(*names));
	struct tls_name *of_dtls;
	bool ok;

	if (names == NULL)
		return false;
	of_dtls = names + p->name_count;
	for (size_t i = 0; i < p->name_count; i++) {
		const struct settings_name *n = &p->names[i];

		names[i] = (struct tls_name){ n->server_name, n->tls, n->realm };
		of_dtls[i] = (struct tls_name){ n->server_name, n->dtls, n->realm };
	}
	ok = tls_choose_by_name(p->names[0].tls, names, p->name_count) &&
	     tls_choose_by_name(p->names[0].dtls, of_dtls, p->name_count);
	free(names);
	return ok;
}

bool settings_add_names(const struct turnd_conf *conf, struct settings_parts *parts,
			struct opt_error *err)
{
	struct settings_name plain = { 0 };

	for (size_t i = 0; i < parts->realm_count; i++) {
		if (!add_realm(conf, i, parts, &plain, err))
			return false;
		if (i == 0 && parts->name_count > 0)
			plain = parts->names[0];
	}
	return parts->name_count == 0 || choose_by_name(parts) || wrong(err, "out of memory");
}

bool settings_take_names(const struct settings_parts *before, struct settings_parts *parts)
{
	for (size_t i = 0; i < before->name_count; i++) {
		const struct settings_name *n = &before->names[i];

		if (!add_name(parts, n, n->server_name, n->realm))
			return false;
	}
	return true;
}

/* One key, or the one that makes nonces and one that is accepted. */
static bool read_nonce_keys(const char *path, uint8_t keys[2][NONCE_KEY_LEN], size_t *count,
			    struct opt_error *err)
{
	struct text_file f;
	struct bytes line;
	size_t at = 0, number = 0;
	bool ok = true;

	*count = 0;
	if (!text_file_read(path, &f, err))
		return false;
	while (ok && text_file_line(&f, &at, &number, &line)) {
		ok = *count < 2 && text_file_hex(line, keys[*count], NONCE_KEY_LEN);
		*count += ok;
	}
	text_file_wipe(&f);
	if (ok && *count > 0)
		return true;
	snprintf(err->text, sizeof(err->text),
		 "%.200s:%zu: write one key, or two, of 64 hex digits on a line each; "
		 "`openssl rand -hex 32` makes one",
		 path, number);
	return false;
}

static bool share_nonces(const char *path, uint32_t life_s, struct nonce_keys *out,
			 struct opt_error *err)
{
	uint8_t keys[2][NONCE_KEY_LEN];
	struct opt_error why;
	size_t count;
	bool ok = read_nonce_keys(path, keys, &count, &why);

	if (ok)
		nonce_keys_init(out, keys[0], count > 1 ? keys[1] : NULL, life_s);
	else
		snprintf(err->text, sizeof(err->text), "nonce-key-file: %.400s", why.text);
	OPENSSL_cleanse(keys, sizeof(keys));
	return ok;
}

static bool own_nonces(const struct settings *before, struct settings *s, uint32_t life_s,
		       uint64_t now_s)
{
	uint8_t key[NONCE_KEY_LEN];
	bool has_one = before != NULL && !before->parts->nonces_shared;

	if (RAND_bytes(key, sizeof(key)) != 1)
		return false;
	s->parts->nonce_made_s = has_one ? before->parts->nonce_made_s : now_s;
	if (!has_one) {
		nonce_keys_init(&s->snapshot.nonces, key, NULL, life_s);
	} else {
		s->snapshot.nonces = before->snapshot.nonces;
		s->snapshot.nonces.life_s = life_s;
		if (now_s - s->parts->nonce_made_s >= SETTINGS_KEY_LIFE_S) {
			nonce_keys_rotate(&s->snapshot.nonces, key);
			s->parts->nonce_made_s = now_s;
		}
	}
	OPENSSL_cleanse(key, sizeof(key));
	return true;
}

static bool own_tickets(const struct settings *before, struct settings *s, uint64_t now_s)
{
	uint8_t key[TICKET_KEY_LEN];

	if (RAND_bytes(key, sizeof(key)) != 1)
		return false;
	s->parts->ticket_made_s = before != NULL ? before->parts->ticket_made_s : now_s;
	if (before == NULL) {
		ticket_keys_init(&s->snapshot.tickets, key);
	} else {
		s->snapshot.tickets = before->snapshot.tickets;
		if (now_s - s->parts->ticket_made_s >= SETTINGS_KEY_LIFE_S) {
			ticket_keys_rotate(&s->snapshot.tickets, key);
			s->parts->ticket_made_s = now_s;
		}
	}
	OPENSSL_cleanse(key, sizeof(key));
	return true;
}

bool settings_add_keys(const struct turnd_conf *conf, const struct settings *before, bool read,
		       struct settings *s, uint64_t now_s, struct opt_error *err)
{
	uint32_t life_s = (uint32_t)(conf->nonce_lifetime_ms / 1000);

	s->parts->nonces_shared = conf->nonce_key_file != NULL;
	if (!own_tickets(before, s, now_s))
		return wrong(err, "the system has no randomness");
	if (s->parts->nonces_shared && read)
		return share_nonces(conf->nonce_key_file, life_s, &s->snapshot.nonces, err);
	if (s->parts->nonces_shared) {
		s->snapshot.nonces = before->snapshot.nonces;
		return true;
	}
	return own_nonces(before, s, life_s, now_s) || wrong(err, "the system has no randomness");
}
