/* cert - fresh keys and self-signed certificates for tests; none lie in the tree. */
#ifndef NATKIT_TESTS_CERT_H
#define NATKIT_TESTS_CERT_H

#include <stdbool.h>

/* A directory of its own with a certificate and its key, as PEM. */
struct cert {
	char dir[64];
	char cert_file[96];
	char key_file[96];
};

/* Makes a pair, with a key on P-256, for `common_name`. Returns false when something failed. */
bool cert_make(struct cert *c, const char *common_name);

/* The same with an RSA key of 2048 bits. */
bool cert_make_rsa(struct cert *c, const char *common_name);

/* Removes the files and the directory. */
void cert_remove(struct cert *c);

#endif
