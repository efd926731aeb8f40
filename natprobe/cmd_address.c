/* natprobe address: one string by which others can invite this host. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "natprobe/meet/address.h"
#include "natprobe/meet/carrier_uri.h"
#include "natprobe/meet/own_key.h"
#include "natprobe/meet/rendezvous_list.h"
#include "natprobe/pair/no_core.h"
#include "natprobe/pair/self_diagnosis.h"

static int complain(int rc, const char *what, const char *why)
{
	fprintf(stderr, "natprobe: address: %s: %s\n", what, why);
	return rc;
}

static int find_key(struct own_key *key, const char *path)
{
	int rc = own_key_read(key, path);

	if (rc == 0)
		return 0;
	if (rc == -ENOENT && path == NULL)
		return complain(EXIT_USAGE, "key", "there is no home; name a --key-file");
	return complain(EXIT_USAGE, path != NULL ? path : key->path,
			rc == -EPERM     ? "others may read it; chmod 600"
			: rc == -EBADMSG ? "it is no key of natprobe"
					 : strerror(-rc));
}

/* An address is for many to see: the password of a broker stays here. */
static int name_rendezvous(struct bytes text, struct address *a)
{
	char name[CARRIER_URI_NAME_MAX];
	struct carrier_uri uri;
	const char *why;

	if (!carrier_uri_parse(text, &uri, &why))
		return complain(EXIT_USAGE, "rendezvous", why);
	carrier_uri_print(&uri, name);
	if (strlen(name) >= sizeof(a->rendezvous))
		return complain(EXIT_USAGE, "rendezvous", "it is too long for an address");
	if (uri.user[0] != '\0')
		fprintf(stderr, "natprobe: address: rendezvous: user and password are left out; "
				"who invites has to name them by --rendezvous\n");
	memcpy(a->rendezvous, name, strlen(name) + 1);
	OPENSSL_cleanse(&uri, sizeof(uri));
	return 0;
}

/* The first of them: one that both reach is enough. */
static int find_rendezvous(const struct punch_options *o, struct address *a)
{
	char *list = rendezvous_list(&o->rendezvous);
	struct bytes rest, first = { 0 };
	int rc;

	if (list == NULL)
		return complain(EXIT_FAILED, "rendezvous", "out of memory");
	rest = bytes_of_str(list);
	(void)carrier_uri_next(&rest, &first);
	rc = name_rendezvous(first, a);
	free(list);
	return rc;
}

static int print(const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];

	if (address_print(a, text, sizeof(text)) == 0)
		return complain(EXIT_FAILED, "interfaces",
				"there are too many; name an --interface");
	if (puts(text) == EOF || fflush(stdout) != 0)
		return complain(EXIT_FAILED, "standard output", "cannot write");
	return EXIT_REACHED;
}

static int run(const struct punch_options *o)
{
	struct self_diagnosis d = { 0 };
	struct address a = { .port = (uint16_t)o->local_port };
	struct punch_self self;
	struct own_key key;
	int rc;

	no_core_begin();
	rc = find_key(&key, o->key_file);
	if (rc == 0)
		rc = find_rendezvous(o, &a);
	if (rc == 0)
		rc = self_diagnosis_open(&d, "address", o);
	if (rc == 0)
		rc = self_diagnosis_run(&d, &self);
	if (rc == 0) {
		a.profile = self.profile;
		memcpy(a.public_key, key.public_key, sizeof(a.public_key));
		rc = print(&a);
	}
	self_diagnosis_clear(&d);
	own_key_clear(&key);
	return rc;
}

int cmd_address(int argc, char **argv, const struct command *all)
{
	struct punch_options o = { 0 };
	struct opt_error err;
	char *none;
	size_t count;
	int rc = EXIT_REACHED;

	if (!opt_defaults(&address_program, &o, &err) ||
	    !command_read_args(&address_program, argc, argv, &o, &none, 0, &count, &err)) {
		fprintf(stderr, "natprobe: address: %s\n", err.text);
		rc = EXIT_USAGE;
	} else if (o.help) {
		opt_print_help(&address_program, stdout);
	} else {
		rc = run(&o);
	}
	opt_clear(&address_program, &o);
	return rc;
}
