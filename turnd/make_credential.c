/* The part of tools that makes time-limited credentials. */
#include "tools.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <string.h>

#include "conf_check.h"
#include "text_file.h"
#include "users.h"

/* The first secret: a new one is put before those that are to go. */
static bool make(const struct turnd_conf *conf, uint64_t expires_s, struct users_credential *out,
		 struct opt_error *err)
{
	const char *path = conf->base.auth_secret_file;
	char separator = conf->auth_secret_separator != NULL ? conf->auth_secret_separator[0] : ':';
	struct text_file f;
	struct bytes secret;
	size_t at = 0, number = 0;
	enum users_result result = USERS_BAD_SECRET;

	if (!text_file_read(path, &f, err))
		return false;
	if (text_file_line(&f, &at, &number, &secret))
		result =
			users_make_timed(secret, (enum users_hash)conf->auth_secret_hash, separator,
					 bytes_of_str(conf->make_credential), expires_s, out);
	text_file_wipe(&f);
	return result == USERS_OK || conf_wrong(err, "--make-credential: %s", users_why(result));
}

static bool add(json_t *urls, const char *uri)
{
	return json_array_append_new(urls, json_string(uri)) == 0;
}

/* Those of the server, under the name of its realm. */
static bool add_default(const struct turnd_conf *conf, json_t *urls)
{
	static const char *const transports[] = { "udp", "tcp" };
	bool tls = turnd_conf_has_tls(conf), ok = true;
	char uri[512];

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		if (!(i == 0 ? conf->udp : conf->tcp))
			continue;
		snprintf(uri, sizeof(uri), "turn:%.300s:%d?transport=%s", conf->realm,
			 (int)conf->port, transports[i]);
		ok = ok && add(urls, uri);
	}
	if (!tls || !conf->tcp)
		return ok;
	snprintf(uri, sizeof(uri), "turns:%.300s:%d?transport=tcp", conf->realm,
		 (int)conf->tls_port);
	return ok && add(urls, uri);
}

static bool add_urls(const struct turnd_conf *conf, json_t *urls)
{
	char *const *uris = conf->uris.items;

	if (conf->uris.count == 0)
		return add_default(conf, urls);
	for (size_t i = 0; i < conf->uris.count; i++) {
		if (!add(urls, uris[i]))
			return false;
	}
	return true;
}

static bool print(const struct turnd_conf *conf, const struct users_credential *c, FILE *out)
{
	json_t *urls = json_array();
	json_t *server = json_object();
	bool ok = urls != NULL && server != NULL && add_urls(conf, urls) &&
		  json_object_set(server, "urls", urls) == 0 &&
		  json_object_set_new(server, "username", json_string(c->username)) == 0 &&
		  json_object_set_new(server, "credential", json_string(c->password)) == 0 &&
		  json_dumpf(server, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;

	json_decref(urls);
	json_decref(server);
	return ok;
}

/* A realm may be any text; a URI needs a host. */
static bool has_host(const struct turnd_conf *conf, struct opt_error *err)
{
	struct opt_error unused;

	return conf->uris.count > 0 || conf_check_server_name(conf->realm, &unused) ||
	       conf_wrong(err,
			  "--make-credential: the realm is no name of a host; name the server with "
			  "--uri turn:HOST");
}

bool tools_make_credential(const struct turnd_conf *conf, uint64_t now_s, FILE *out,
			   struct opt_error *err)
{
	struct users_credential c;
	bool ok;

	if (!has_host(conf, err) || !make(conf, now_s + conf->ttl_ms / 1000, &c, err))
		return false;
	ok = print(conf, &c, out) || conf_wrong(err, "--make-credential: cannot print");
	OPENSSL_cleanse(&c, sizeof(c));
	return ok;
}
