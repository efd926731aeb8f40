/*
 * users - who may use the relay: the users of one realm, and the keys to try for a request.
 *
 * Three sources are asked, in this order: users of the configuration, users of a password
 * file, and time-limited credentials whose user name says when they end and whose password
 * is an HMAC of it (the "TURN REST API"). A name of the configuration hides that of the file.
 *
 * A set is built, finished, and from then on const: threads share it, and a reload makes a
 * new one. A lookup touches neither heap nor system, and does the same work for whoever
 * asks: a name that nobody has gets a decoy key, and every key is tried. So it takes an
 * ear for cache misses to tell a wrong user from a wrong password.
 *
 * Passwords are turned into keys when they are added, and wiped; a set holds no password, and
 * nothing in here prints a key.
 */
#ifndef NATKIT_USERS_H
#define NATKIT_USERS_H

#include "base64.h"
#include "stun_auth.h"

#define USERS_KEY_LEN     48
#define USERS_NAME_MAX    508 /* longest USERNAME that clients send (RFC 8489, section 14.3) */
#define USERS_SECRETS_MAX 4   /* valid at once, so that they can be changed one by one */
#define USERS_KEYS_MAX    (1 + USERS_SECRETS_MAX)
#define USERS_NEVER       UINT64_MAX

enum users_result {
	USERS_OK = 0,
	USERS_NO_MEMORY,
	USERS_BAD_NAME,
	USERS_BAD_PASSWORD,
	USERS_BAD_REALM,
	USERS_BAD_SECRET,     /* empty */
	USERS_BAD_SEPARATOR,  /* a digit, or not a character that can be seen */
	USERS_TOO_MANY,       /* secrets */
	USERS_TWICE,          /* one source has the name twice */
	USERS_LINE_TOO_LONG,  /* the remaining ones are about lines of a password file */
	USERS_LINE_BAD_KEYS,  /* does not begin with its two keys */
	USERS_LINE_NO_REALM,  /* stands before the first [realm] */
	USERS_LINE_OPEN_REALM /* begins with "[", and does not end with "]" */
};

/* What is wrong and what to do, for people, without capital and full stop. Never NULL. */
const char *users_why(enum users_result result);

struct users;

/*
 * realm  prepared with OpaqueString here
 * key    random bytes from a CSPRNG. User ids depend on it: a reload gives the same again
 * out    set on USERS_OK only
 * Returns USERS_OK, USERS_BAD_REALM or USERS_NO_MEMORY.
 */
enum users_result users_new(struct bytes realm, const uint8_t key[static USERS_KEY_LEN],
			    struct users **out);
void users_free(struct users *u); /* wipes the keys; NULL is fine */

/*
 * Adds a user of the configuration. Name and password are prepared with OpaqueString; the
 * caller wipes what it holds of the password.
 */
enum users_result users_add(struct users *u, struct bytes name, struct bytes password);

/* The same with keys that were made of the password before, for this realm. */
enum users_result users_add_made(struct users *u, struct bytes name, const uint8_t md5[static 16],
				 const uint8_t sha256[static 32]);

/*
 * Adds what a password file has for this realm. A file is lines:
 *   # a comment
 *   [realm]
 *   MD5-KEY SHA256-KEY NAME
 * with keys in hex as users_make_line writes them, and the name to the end of the line. Lines
 * of other realms are checked and left out.
 * line  the line that is wrong, from 1, where the result is not USERS_OK
 */
enum users_result users_add_file(struct users *u, struct bytes text, uint32_t *line);

enum users_hash {
	USERS_SHA1, /* what most makers of such credentials use */
	USERS_SHA256,
};

/* Adds a secret of time-limited credentials. Others stay valid. */
enum users_result users_add_secret(struct users *u, struct bytes secret, enum users_hash hash);

/* What stands between expiry and name, ":" unless set. */
enum users_result users_set_separator(struct users *u, char separator);

/*
 * Ends the building.
 * line  of the password file where a name stands again, 0 for one of the configuration; set
 *       on USERS_TWICE only
 * Returns USERS_OK, USERS_TWICE or USERS_NO_MEMORY.
 */
enum users_result users_finish(struct users *u, uint32_t *line);

/* Users whose names are known: without them, and with secrets alone, there is no USERHASH. */
size_t users_count(const struct users *u);

/* Whether anybody at all could get in. */
bool users_has_any(const struct users *u);

/* Whether each of them has a name that is known: only then clients are told to send USERHASH. */
bool users_are_known(const struct users *u);

/* The prepared realm; borrowed. */
struct bytes users_realm(const struct users *u);

enum users_source {
	USERS_NOBODY, /* a decoy: never accepted, whatever it fits */
	USERS_CONFIGURED,
	USERS_FROM_FILE,
	USERS_TIMED,
};

struct users_key {
	struct stun_key key;
	uint64_t user;      /* the same for all credentials of one person; for quotas */
	uint64_t expires_s; /* wall clock; USERS_NEVER */
	enum users_source source;
};

/* How much was done for one request; for tests, which want it equal for all who fail. */
struct users_effort {
	uint32_t steps;    /* of searching a name */
	uint32_t compares; /* of names */
	uint32_t hmacs;    /* that made passwords of names */
	uint32_t keys;     /* derived */
	uint32_t checks;   /* of the message */
};

/* Lies with the caller, on the stack: wipe it with users_match_wipe. */
struct users_match {
	struct users_key keys[USERS_KEYS_MAX];
	size_t count;
	struct bytes name; /* of a USERHASH that is known: borrowed from the set; else empty */
	uint64_t now_s;
	struct users_effort effort;
};

/*
 * Which keys to try for a name.
 * name       the value of USERNAME, byte by byte; one with a NUL in it matches nobody
 * algorithm  enum stun_password_algorithm
 * now_s      wall clock
 */
void users_find(const struct users *u, struct bytes name, uint16_t algorithm, uint64_t now_s,
		struct users_match *out);

/* The same for a USERHASH (RFC 8489, section 14.4). Finds users with known names only. */
void users_find_hash(const struct users *u, struct bytes userhash, uint16_t algorithm,
		     uint64_t now_s, struct users_match *out);

enum users_verdict {
	USERS_ACCEPTED = 0,
	USERS_WRONG,   /* user or password: 401 */
	USERS_EXPIRED, /* rightly signed, with credentials whose time is over: 401 */
};

/*
 * Checks the message's integrity with every key of `m`, whichever fits. No other code
 * decides whether a request is authentic.
 * key  which one it was, for the answer; NULL for USERS_WRONG; borrowed from `m`
 */
enum users_verdict users_try(struct users_match *m, const struct stun_msg *msg,
			     const struct users_key **key);

void users_match_wipe(struct users_match *m);

struct users_credential {
	char username[USERS_NAME_MAX + 1];
	char password[BASE64_LEN(STUN_SHA256_FULL) + 1];
};

/*
 * Makes time-limited credentials.
 * name  prepared here; empty for none
 * out   set on USERS_OK only; the caller wipes it
 */
enum users_result users_make_timed(struct bytes secret, enum users_hash hash, char separator,
				   struct bytes name, uint64_t expires_s,
				   struct users_credential *out);

#define USERS_LINE_MAX 800 /* longest line of a password file */

/* Makes the line of a user, without line end, as text with NUL. */
enum users_result users_make_line(struct bytes realm, struct bytes name, struct bytes password,
				  char out[static USERS_LINE_MAX + 1]);

/* Makes the line "[realm]" that stands before its users. */
enum users_result users_make_realm_line(struct bytes realm, char out[static USERS_LINE_MAX + 1]);

/* What a line of a password file says: for whoever replaces one. */
enum users_line_kind {
	USERS_LINE_NOTHING, /* empty, or a comment */
	USERS_LINE_REALM,
	USERS_LINE_USER,
};

struct users_line {
	enum users_line_kind kind;
	struct bytes text; /* the realm or the name; a view of the line */
	uint8_t md5[16];
	uint8_t sha256[32];
};

/* Reads one line, without its line end. `out` is set on USERS_OK only; the caller wipes it. */
enum users_result users_read_line(struct bytes line, struct users_line *out);

#endif
