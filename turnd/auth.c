#include "auth.h"

#include "stun_feature.h"

/* PASSWORD-ALGORITHMS as it goes out with every nonce: SHA-256, then MD5, no parameters. */
static const uint8_t offered[] = { 0, STUN_PASSWORD_SHA256, 0, 0, 0, STUN_PASSWORD_MD5, 0, 0 };

#define STUB_LEN    28 /* header and one attribute */
#define SHORT_NONCE 16 /* characters that are no nonce: it is answered with 438 and all the rest */

/* What a signed request says about its sender. Nothing of it is proven. */
struct claim {
	struct bytes name; /* USERNAME, or else USERHASH */
	struct bytes nonce;
	struct bytes token; /* ACCESS-TOKEN */
	bool is_hash;
	bool by_token;
	uint16_t algorithm; /* enum stun_password_algorithm */
};

static bool read_claim(const struct request *r, struct claim *c)
{
	const struct stun_msg *msg = &r->msg;
	bool has_name = stun_msg_find(msg, STUN_ATTR_USERNAME, &c->name);

	c->is_hash = !has_name && stun_msg_find(msg, STUN_ATTR_USERHASH, &c->name);
	c->by_token = has_name && r->realm->tokens != NULL &&
		      stun_msg_find(msg, STUN_ATTR_ACCESS_TOKEN, &c->token);
	return (has_name || c->is_hash) && stun_msg_has(msg, STUN_ATTR_REALM) &&
	       stun_msg_find(msg, STUN_ATTR_NONCE, &c->nonce);
}

static enum users_verdict take_key(struct request *r, const struct stun_key *key, uint64_t user,
				   uint64_t expires_s)
{
	r->key = *key;
	r->has_key = true;
	r->user = user;
	r->expires_s = expires_s;
	return r->now->wall_s < expires_s ? USERS_ACCEPTED : USERS_EXPIRED;
}

static enum users_verdict check_users(struct request *r, const struct claim *c)
{
	const struct users_key *key;
	struct users_match match;
	enum users_verdict verdict;

	if (c->is_hash)
		users_find_hash(r->realm->users, c->name, c->algorithm, r->now->wall_s, &match);
	else
		users_find(r->realm->users, c->name, c->algorithm, r->now->wall_s, &match);
	verdict = users_try(&match, &r->msg, &key);
	if (key != NULL)
		verdict = take_key(r, &key->key, key->user, key->expires_s);
	r->effort = match.effort;
	users_match_wipe(&match);
	return verdict;
}

/*
 * Everybody with a token is one user of the realm, the authorization server's: a token names nobody,
 * and one sealed with a newer key refreshes what an older one allocated (RFC 7635, section 9).
 */
static uint64_t token_user(const struct realm *realm)
{
	return ~realm->id;
}

static enum users_verdict check_token(struct request *r, const struct claim *c)
{
	enum users_verdict verdict = USERS_WRONG;
	const struct stun_key *key = NULL;
	struct token token;

	if (token_open(r->realm->tokens, c->name, c->token, r->now->wall_s, &token) != TOKEN_GOOD)
		return USERS_WRONG;
	if (stun_auth_check(&r->msg, &token.key) == STUN_AUTH_OK)
		key = &token.key;
	else if (token.has_cut && stun_auth_check(&r->msg, &token.cut) == STUN_AUTH_OK)
		key = &token.cut;
	if (key != NULL) {
		verdict = take_key(r, key, token_user(r->realm), token.expires_s);
		r->by_token = true;
	}
	token_wipe(&token);
	return verdict;
}

/* Signed with the key of the token that an earlier request of this allocation showed. */
static bool is_signed_by_alloc(const struct request *r)
{
	const struct alloc *a = r->alloc;

	return a != NULL && a->token.is_used && a->realm == r->realm->id &&
	       stun_auth_check(&r->msg, &a->token.key) == STUN_AUTH_OK;
}

static enum users_verdict check_signature(struct request *r, const struct claim *c)
{
	if (c->by_token)
		return check_token(r, c);
	if (is_signed_by_alloc(r))
		return take_key(r, &r->alloc->token.key, r->alloc->user,
				r->alloc->credentials_until_s);
	return check_users(r, c);
}

/* A nonce that might be of this client once was its own. */
static bool is_own(enum nonce_verdict nonce)
{
	return nonce != NONCE_FORGED && nonce != NONCE_OTHER_ADDRESS;
}

/* RFC 6062: the connection that a ConnectionBind comes over is a new one. */
static bool is_fresh(const struct request *r, enum nonce_verdict nonce)
{
	return nonce == NONCE_FRESH ||
	       (nonce == NONCE_OTHER_PORT && r->msg.method == TURN_CONNECTION_BIND);
}

static bool is_expired_bad(const struct request *r)
{
	return r->realm->strict_expiry || r->msg.method == TURN_ALLOCATE;
}

uint16_t auth_check(struct request *r)
{
	enum users_verdict verdict;
	enum nonce_verdict nonce;
	struct nonce_facts facts;
	struct claim c;

	if (r->msg.integrity == 0 && r->msg.integrity_sha256 == 0)
		return 401;
	if (!read_claim(r, &c) ||
	    !stun_feature_algorithm(&r->msg, bytes_of(offered, sizeof(offered)), &c.algorithm))
		return 400;
	/* Naming MD5 is not the same as naming nothing: who names one knows SHA-256 integrity. */
	r->by_sha256 = stun_msg_has(&r->msg, STUN_ATTR_PASSWORD_ALGORITHM);
	nonce = nonce_check(&r->t->snapshot->nonces, c.nonce, &r->in->tuple.client, r->now->wall_s,
			    &facts);
	if (c.by_token && !is_own(nonce))
		return 438;
	verdict = check_signature(r, &c);
	if (verdict == USERS_WRONG || (verdict == USERS_EXPIRED && is_expired_bad(r)))
		return 401;
	if (!is_fresh(r, nonce))
		return 438;
	r->is_authentic = true;
	return 0;
}

bool auth_guessed_name(const struct request *r, uint8_t out[static STUN_USERHASH_LEN])
{
	struct claim c;

	if ((r->msg.integrity == 0 && r->msg.integrity_sha256 == 0) || !read_claim(r, &c))
		return false;
	if (!c.is_hash)
		stun_userhash(c.name, users_realm(r->realm->users), out);
	else if (c.name.len == STUN_USERHASH_LEN)
		memcpy(out, c.name.data, STUN_USERHASH_LEN);
	else
		return false; /* no hash at all, and nobody's */
	return true;
}

static uint32_t features_of(const struct realm *realm)
{
	uint32_t features = STUN_FEATURE_PASSWORD_ALGORITHMS;

	if (users_are_known(realm->users))
		features |= STUN_FEATURE_USERNAME_ANONYMITY;
	return features;
}

/*
 * A datagram too short to be what a client begins with: an Allocate has REQUESTED-TRANSPORT. What
 * it is good for is to have us send more than it took to somebody whose address was forged.
 */
static bool is_stub(const struct request *r)
{
	return r->in->tuple.transport == STUN_UDP && r->msg.raw.len < STUB_LEN;
}

void auth_put_challenge(struct request *r)
{
	const struct realm *realm = r->realm;
	struct stun_builder *b = &r->answer;
	char nonce[NONCE_LEN];
	uint8_t *algorithms;

	nonce_make(&r->t->snapshot->nonces, &r->in->tuple.client, features_of(realm),
		   r->now->wall_s, nonce);
	(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, users_realm(realm->users));
	if (is_stub(r)) {
		(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE,
					  bytes_of(nonce + NONCE_LEN - SHORT_NONCE, SHORT_NONCE));
		return;
	}
	(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, bytes_of(nonce, sizeof(nonce)));
	algorithms = stun_build_attr(b, STUN_ATTR_PASSWORD_ALGORITHMS, sizeof(offered));
	if (algorithms != NULL)
		memcpy(algorithms, offered, sizeof(offered));
	if (realm->tokens != NULL)
		(void)stun_attr_put_bytes(b, STUN_ATTR_THIRD_PARTY_AUTHORIZATION,
					  token_keys_name(realm->tokens));
}
