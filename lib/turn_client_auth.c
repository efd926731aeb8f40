#include "turn_client_state.h"

#define TRIES_MAX      4 /* new attempts of one request, for 401 and 438 together */
#define ALGORITHMS_MAX 8

static struct bytes view(const struct tc_text *t)
{
	return bytes_of(t->data, t->len);
}

/* False, and nothing changed, where it is too long. */
static bool keep(struct tc_text *t, struct bytes from)
{
	if (from.len > sizeof(t->data))
		return false;
	if (from.len > 0)
		memmove(t->data, from.data, from.len);
	t->len = (uint16_t)from.len;
	return true;
}

static void make_key(struct tc_auth *a)
{
	a->generation++;
	if (a->token.len > 0)
		stun_key_make(&a->key, view(&a->secret));
	else
		(void)stun_key_long_term(&a->key, a->algorithm, view(&a->username), view(&a->realm),
					 view(&a->secret));
}

void tc_auth_use(struct turn_client *c, const struct turn_client_credentials *credentials)
{
	struct tc_auth *a = &c->auth;
	bool has_token = credentials->access_token.len > 0;

	(void)keep(&a->username, credentials->username);
	(void)keep(&a->secret, has_token ? credentials->mac_key : credentials->password);
	a->token = bytes_of(a->token_data, credentials->access_token.len);
	if (has_token)
		memcpy(a->token_data, credentials->access_token.data, a->token.len);
	make_key(a);
}

/* Another server: it will say what it wants. */
void tc_auth_forget(struct turn_client *c)
{
	struct tc_auth *a = &c->auth;

	a->challenged = a->sha256 = a->anonymous = false;
	a->realm.len = a->nonce.len = 0;
	a->offered_len = 0;
	a->algorithm = STUN_PASSWORD_MD5;
	a->generation++;
}

void tc_auth_wipe(struct turn_client *c)
{
	stun_key_wipe(&c->auth.key);
	explicit_bzero(&c->auth, sizeof(c->auth));
}

static void put_user(const struct tc_auth *a, struct stun_builder *b)
{
	uint8_t hash[STUN_USERHASH_LEN];

	/* The name of an access token's key is looked up as it is (RFC 7635, section 5). */
	if (!a->anonymous || a->token.len > 0) {
		(void)stun_attr_put_bytes(b, STUN_ATTR_USERNAME, view(&a->username));
		return;
	}
	stun_userhash(view(&a->username), view(&a->realm), hash);
	(void)stun_attr_put_bytes(b, STUN_ATTR_USERHASH, bytes_of(hash, sizeof(hash)));
}

static void put_copy(struct stun_builder *b, uint16_t type, struct bytes value)
{
	uint8_t *to = stun_build_attr(b, type, value.len);

	if (to != NULL && value.len > 0)
		memcpy(to, value.data, value.len);
}

static void put_algorithms(const struct tc_auth *a, struct stun_builder *b)
{
	struct stun_algorithm chosen = { .number = a->algorithm };

	put_copy(b, STUN_ATTR_PASSWORD_ALGORITHMS, bytes_of(a->offered, a->offered_len));
	(void)stun_attr_put_algorithm(b, &chosen);
}

/* Returns whether the message is signed: not before the server asked for it. */
bool tc_auth_sign(struct turn_client *c, struct stun_builder *b, uint16_t method)
{
	const struct tc_auth *a = &c->auth;

	if (!a->challenged)
		return false;
	put_user(a, b);
	(void)stun_attr_put_bytes(b, STUN_ATTR_REALM, view(&a->realm));
	(void)stun_attr_put_bytes(b, STUN_ATTR_NONCE, view(&a->nonce));
	if (a->offered_len > 0)
		put_algorithms(a, b);
	/* In no other request (RFC 7635, section 9). */
	if (a->token.len > 0 && (method == TURN_ALLOCATE || method == TURN_REFRESH))
		put_copy(b, STUN_ATTR_ACCESS_TOKEN, a->token);
	if (a->sha256)
		(void)stun_auth_put_sha256(b, &a->key, STUN_SHA256_FULL);
	else
		(void)stun_auth_put_integrity(b, &a->key);
	return true;
}

static bool find(const struct stun_msg *msg, uint16_t type, struct bytes *out)
{
	struct bytes value;

	return stun_msg_find(msg, type, &value) && stun_attr_get_bytes(type, value, out) == STUN_OK;
}

/* The first of the server's list that we know (RFC 8489, section 9.2.5). */
static bool choose(struct bytes offered, uint16_t *algorithm)
{
	struct stun_algorithm list[ALGORITHMS_MAX];
	size_t count;

	if (stun_attr_get_algorithms(offered, list, ALGORITHMS_MAX, &count) != STUN_OK)
		return false;
	for (size_t i = 0; i < count; i++) {
		bool known = list[i].number == STUN_PASSWORD_MD5 ||
			     list[i].number == STUN_PASSWORD_SHA256;

		if (known && list[i].params.len == 0) {
			*algorithm = list[i].number;
			return true;
		}
	}
	return false;
}

/* Returns why that cannot be, TURN_CLIENT_FINE if it can. */
static uint8_t take_algorithms(struct tc_auth *a, const struct stun_msg *msg)
{
	struct bytes offered;

	if (!stun_msg_find(msg, STUN_ATTR_PASSWORD_ALGORITHMS, &offered))
		return TURN_CLIENT_FINE;
	if (!choose(offered, &a->algorithm))
		return TURN_CLIENT_ALGORITHM;
	if (offered.len > sizeof(a->offered))
		return TURN_CLIENT_TOO_LARGE;
	memcpy(a->offered, offered.data, offered.len);
	a->offered_len = offered.len;
	a->sha256 = true;
	return TURN_CLIENT_FINE;
}

static bool is_same_algorithms(const struct tc_auth *a, const struct stun_msg *msg)
{
	struct bytes offered;

	if (!stun_msg_find(msg, STUN_ATTR_PASSWORD_ALGORITHMS, &offered))
		return true;
	return bytes_equal(offered, bytes_of(a->offered, a->offered_len));
}

static uint8_t take_challenge(struct tc_auth *a, const struct stun_msg *msg, struct bytes realm,
			      struct bytes nonce)
{
	uint32_t features = 0;
	uint8_t cause = take_algorithms(a, msg);

	if (cause != TURN_CLIENT_FINE)
		return cause;
	if (!keep(&a->realm, realm) || !keep(&a->nonce, nonce))
		return TURN_CLIENT_PROTOCOL;
	(void)stun_nonce_cookie_get(nonce, &features);
	a->anonymous = (features & STUN_FEATURE_USERNAME_ANONYMITY) != 0;
	a->challenged = true;
	make_key(a);
	return TURN_CLIENT_FINE;
}

static enum tc_judgement hopeless(uint8_t *cause, uint8_t why)
{
	*cause = why;
	return TC_HOPELESS;
}

static enum tc_judgement judge_unauthorized(struct turn_client *c, const struct tc_request *r,
					    const struct stun_msg *msg, uint8_t *cause)
{
	struct tc_auth *a = &c->auth;
	struct bytes realm, nonce;

	if (a->username.len == 0)
		return hopeless(cause, TURN_CLIENT_ANONYMOUS);
	/* Others may have learnt since how it should have been signed. */
	if (r->generation != a->generation && a->challenged && r->tries < TRIES_MAX)
		return TC_RETRY;
	if (!find(msg, STUN_ATTR_REALM, &realm) || !find(msg, STUN_ATTR_NONCE, &nonce))
		return hopeless(cause,
				r->is_signed ? TURN_CLIENT_CREDENTIALS : TURN_CLIENT_PROTOCOL);
	if (r->tries >= TRIES_MAX)
		return hopeless(cause, TURN_CLIENT_CREDENTIALS);
	if (r->is_signed && bytes_equal(realm, view(&a->realm)) && is_same_algorithms(a, msg))
		return hopeless(cause, TURN_CLIENT_CREDENTIALS);
	*cause = take_challenge(a, msg, realm, nonce);
	return *cause == TURN_CLIENT_FINE ? TC_RETRY : TC_HOPELESS;
}

static enum tc_judgement judge_stale(struct turn_client *c, const struct tc_request *r,
				     const struct stun_msg *msg, uint8_t *cause)
{
	struct tc_auth *a = &c->auth;
	struct bytes realm = view(&a->realm), nonce;

	if (!r->is_signed || !find(msg, STUN_ATTR_NONCE, &nonce))
		return TC_DISCARDED; /* nothing of ours can be stale */
	if (r->tries >= TRIES_MAX)
		return hopeless(cause, TURN_CLIENT_PROTOCOL);
	/* Only a 401 changes the realm. */
	if (is_same_algorithms(a, msg))
		return keep(&a->nonce, nonce) ? TC_RETRY : TC_DISCARDED;
	*cause = take_challenge(a, msg, realm, nonce);
	return *cause == TURN_CLIENT_FINE ? TC_RETRY : TC_HOPELESS;
}

/* 401 and 438, which need no signature (RFC 8489, section 9.2.5). */
static enum tc_judgement judge_challenge(struct turn_client *c, const struct tc_request *r,
					 const struct stun_msg *msg, uint16_t code, uint8_t *cause)
{
	if (stun_feature_is_bid_down(msg))
		return hopeless(cause, TURN_CLIENT_BID_DOWN);
	/* Who offered SHA-256 once does not take it back: somebody in between does. */
	if (c->auth.sha256 && !stun_msg_has(msg, STUN_ATTR_PASSWORD_ALGORITHMS))
		return TC_DISCARDED;
	if (code == 401)
		return judge_unauthorized(c, r, msg, cause);
	return judge_stale(c, r, msg, cause);
}

static bool is_authentic(const struct tc_auth *a, const struct stun_msg *msg)
{
	if (a->sha256)
		return stun_auth_check_sha256(msg, &a->key, STUN_SHA256_FULL) == STUN_AUTH_OK;
	return stun_auth_check(msg, &a->key) == STUN_AUTH_OK;
}

/* What an answer to `r` is worth. *cause is set with TC_HOPELESS. */
enum tc_judgement tc_auth_judge(struct turn_client *c, const struct tc_request *r,
				const struct stun_msg *msg, uint8_t *cause)
{
	struct stun_error error = { 0 };
	struct bytes value;
	bool has_integrity = msg->integrity != 0 || msg->integrity_sha256 != 0;

	if (msg->class == STUN_ERROR && (!stun_msg_find(msg, STUN_ATTR_ERROR_CODE, &value) ||
					 stun_attr_get_error(value, &error) != STUN_OK))
		return TC_DISCARDED;
	if (error.code == 401 || error.code == 438)
		return judge_challenge(c, r, msg, error.code, cause);
	if (stun_feature_is_bid_down(msg))
		return TC_DISCARDED;
	if (error.code == 400 && !has_integrity)
		return TC_DISCARDED;
	if (!r->is_signed || is_authentic(&c->auth, msg))
		return TC_BELIEVED;
	/* It may well be right for the credentials of then, which are gone. */
	if (r->generation != c->auth.generation && r->tries < TRIES_MAX)
		return TC_RETRY;
	return TC_VIOLATED;
}
