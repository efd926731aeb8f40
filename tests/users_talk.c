#include "users_talk.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

static const uint8_t set_key[USERS_KEY_LEN] = "48 bytes that nobody outside of it knows";

struct users *users_new_set(void)
{
	struct users *u = NULL;

	assert_int_equal(users_new(REALM, set_key, &u), USERS_OK);
	return u;
}

void sign(struct signed_request *r, uint16_t algorithm, struct bytes name, struct bytes password)
{
	static const struct stun_tid tid = { { 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8 } };
	struct stun_builder b =
		stun_build(r->raw, sizeof(r->raw), TURN_ALLOCATE, STUN_REQUEST, &tid);
	struct stun_key key;
	struct bytes raw;

	assert_true(stun_key_long_term(&key, algorithm, name, REALM, password));
	stun_attr_put_u32(&b, STUN_ATTR_LIFETIME, 600);
	if (algorithm == STUN_PASSWORD_MD5)
		stun_auth_put_integrity(&b, &key);
	else
		stun_auth_put_sha256(&b, &key, STUN_SHA256_FULL);
	assert_int_equal(stun_build_finish(&b, &raw), STUN_OK);
	assert_int_equal(stun_msg_parse(raw, &r->msg), STUN_OK);
}

enum users_verdict ask(const struct users *u, uint16_t algorithm, struct bytes name,
		       struct bytes password, uint64_t now_s, struct users_match *match,
		       struct users_key *key)
{
	struct users_match own;
	struct users_match *m = match != NULL ? match : &own;
	const struct users_key *which;
	struct signed_request r;
	enum users_verdict verdict;

	sign(&r, algorithm, name, password);
	users_find(u, name, algorithm, now_s, m);
	verdict = users_try(m, &r.msg, &which);
	assert_int_equal(which == NULL, verdict == USERS_WRONG);
	if (which != NULL && key != NULL)
		*key = *which;
	return verdict;
}
