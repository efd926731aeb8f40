/* settings: from a configuration and its files to what workers decide by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "cert.h"
#include "settings_kit.h"
#include "tls.h"
#include "turnd/users_sqlite.h"

static void expect_refused(const char *text, const char *what)
{
	struct settings *s = kit_load(text) ? settings_new(&kit_conf, NULL, &kit_err) : NULL;

	if (s != NULL)
		fail_msg("accepted: %s", text);
	if (strstr(kit_err.text, what) == NULL)
		fail_msg("no \"%s\" in: %s", what, kit_err.text);
	if (!kit_blames_the_file())
		fail_msg("no file: %s", kit_err.text);
}

static enum policy_verdict judge(const struct policy *p, const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, 0, &a));
	return policy_judge(p, &a, NULL, NULL);
}

#define LISTEN "listen = 127.0.0.1\n"

static void nobody_is_let_in_by_an_empty_file(void **state)
{
	struct settings *s = kit_make("", NULL);

	assert_false(settings_has_users(s));
	assert_int_equal(s->snapshot.realm_count, 1);
	assert_null(s->snapshot.realms[0].users);
	assert_null(s->snapshot.realms[0].tokens);
	assert_int_not_equal(s->snapshot.realms[0].id, 0);
	assert_int_equal(s->name_count, 0);
	assert_null(s->geo);
	assert_false(s->snapshot.tcp_relay);
	assert_false(s->snapshot.mobility);
	assert_false(s->snapshot.rfc5766_channels);
	assert_false(s->snapshot.stun.rfc3489);
	assert_false(s->snapshot.stun.nat_discovery);
	assert_null(s->snapshot.stun.software);
	assert_true(s->snapshot.error_rate > 0);
	settings_release(s);
}

static void users_are_found_in_their_realm_alone(void **state)
{
	struct settings *s = kit_make(LISTEN "realm = a.example\n"
					     "[user alice]\npassword = wonderland\n"
					     "[realm b.example]\n"
					     "[user bob]\npassword = builder\nrealm = b.example\n",
				      NULL);
	struct users_match m;

	assert_int_equal(s->snapshot.realm_count, 2);
	assert_true(settings_has_users(s));
	for (size_t i = 0; i < 2; i++) {
		const char *name = i == 0 ? "alice" : "bob";

		assert_int_equal(users_count(s->snapshot.realms[i].users), 1);
		users_find(s->snapshot.realms[i].users, bytes_of_str(name), STUN_PASSWORD_MD5, 0,
			   &m);
		assert_int_equal(m.keys[0].source, USERS_CONFIGURED);
		users_match_wipe(&m);
		users_find(s->snapshot.realms[1 - i].users, bytes_of_str(name), STUN_PASSWORD_MD5,
			   0, &m);
		assert_int_equal(m.keys[0].source, USERS_NOBODY);
		users_match_wipe(&m);
	}
	settings_release(s);
}

/* Does the key that settings have for a user fit what a client makes of the password? */
static bool lets_in(const struct users *users, const char *name, const char *password,
		    uint16_t algorithm)
{
	uint8_t buf[128], random[12] = { 1 };
	struct stun_tid tid = stun_tid_make(random);
	struct stun_builder b = stun_build(buf, sizeof(buf), 1, STUN_REQUEST, &tid);
	const struct users_key *got;
	struct stun_key key;
	struct stun_msg msg;
	struct users_match m;
	struct bytes raw;
	bool fits;

	assert_true(stun_key_long_term(&key, algorithm, bytes_of_str(name), users_realm(users),
				       bytes_of_str(password)));
	(void)stun_auth_put_integrity(&b, &key);
	assert_int_equal(stun_build_finish(&b, &raw), STUN_OK);
	assert_int_equal(stun_msg_parse(raw, &msg), STUN_OK);
	users_find(users, bytes_of_str(name), algorithm, 0, &m);
	fits = users_try(&m, &msg, &got) == USERS_ACCEPTED && got->source == USERS_CONFIGURED;
	users_match_wipe(&m);
	return fits;
}

/* RFC 8656, section 6 */
static void keys_are_kept_and_passwords_are_not(void **state)
{
	const struct turnd_conf_user *list;
	struct settings *s;

	assert_true(kit_load(LISTEN "realm = a.example\n"
				    "[user alice]\npassword = wonderland\n"
				    "[realm b.example]\n"
				    "[user bob]\npassword = builder\nrealm = b.example\n"));
	assert_true(settings_keep_keys(&kit_conf, &kit_err));
	assert_true(settings_keep_keys(&kit_conf, &kit_err));
	list = kit_conf.users.items;
	assert_null(list[0].password);
	assert_null(list[1].password);
	s = settings_new(&kit_conf, NULL, &kit_err);
	assert_non_null(s);
	for (uint16_t algorithm = STUN_PASSWORD_MD5; algorithm <= STUN_PASSWORD_SHA256;
	     algorithm++) {
		assert_true(lets_in(s->snapshot.realms[0].users, "alice", "wonderland", algorithm));
		assert_false(lets_in(s->snapshot.realms[0].users, "alice", "builder", algorithm));
		assert_true(lets_in(s->snapshot.realms[1].users, "bob", "builder", algorithm));
	}
	settings_release(s);
	assert_true(kit_load(LISTEN "realm = a.example\n[user alice]\npassword = \xcd\xb8\n"));
	assert_false(settings_keep_keys(&kit_conf, &kit_err));
	assert_non_null(strstr(kit_err.text, "[user alice]"));
	assert_true(kit_blames_the_file());
}

static const struct users *default_users(const struct settings *s)
{
	return s->snapshot.realms[0].users;
}

static void write_password_file(const char *name)
{
	char line[USERS_LINE_MAX + 1], text[2 * USERS_LINE_MAX];

	assert_int_equal(users_make_line(bytes_of_str("a.example"), bytes_of_str("carol"),
					 bytes_of_str("christmas"), line),
			 USERS_OK);
	snprintf(text, sizeof(text), "# users\n[a.example]\n%s\n", line);
	kit_write(name, text);
}

static void users_come_from_files_too(void **state)
{
	struct settings *s;

	write_password_file("users");
	kit_write("secrets", "# two at once\nold secret\n\n  new-secret \n");
	s = kit_make(LISTEN "realm = a.example\npassword-file = @users\n"
			    "auth-secret-file = @secrets\nauth-secret-hash = sha256\n",
		     NULL);
	assert_int_equal(users_count(default_users(s)), 1);
	assert_true(users_has_any(default_users(s)));
	settings_release(s);
}

static void time_limited_credentials_fit_any_of_the_secrets(void **state)
{
	static const char *const secrets[] = { "old secret", "new-secret" };
	struct users_credential made;
	struct users_match m;
	struct settings *s;

	kit_write("secrets", "old secret\nnew-secret\n");
	s = kit_make(LISTEN "realm = a.example\nauth-secret-file = @secrets\n"
			    "auth-secret-separator = _\n",
		     NULL);
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		struct stun_key key;

		assert_int_equal(users_make_timed(bytes_of_str(secrets[i]), USERS_SHA1, '_',
						  bytes_of_str("dave"), 2000, &made),
				 USERS_OK);
		assert_string_equal(made.username, "2000_dave");
		assert_true(stun_key_long_term(&key, STUN_PASSWORD_MD5, bytes_of_str(made.username),
					       bytes_of_str("a.example"),
					       bytes_of_str(made.password)));
		users_find(default_users(s), bytes_of_str(made.username), STUN_PASSWORD_MD5, 1000,
			   &m);
		bool fits = false;
		for (size_t k = 0; k < m.count; k++)
			fits = fits || memcmp(&m.keys[k].key, &key, sizeof(key)) == 0;
		assert_true(fits);
		users_match_wipe(&m);
	}
	settings_release(s);
}

static void access_tokens_have_keys_in_a_file(void **state)
{
	struct settings *s;

	kit_write("oauth", "# kid algorithm key from until\n"
			   "north A256GCM AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
			   "south A128GCM AAECAwQFBgcICQoLDA0ODw== 1000 2000000000\n");
	s = kit_make(LISTEN "realm = a.example\noauth-key-file = @oauth\n"
			    "oauth-server-name = turn.a.example\n",
		     NULL);
	assert_true(settings_has_users(s));
	assert_true(bytes_equal(token_keys_name(s->snapshot.realms[0].tokens),
				bytes_of_str("turn.a.example")));
	settings_release(s);
}

static void a_realm_takes_over_rules_and_never_credentials(void **state)
{
	struct settings *s = kit_make(LISTEN "realm = a.example\nuser-quota = 3\nmax-channels = 9\n"
					     "deny-peer = 203.0.113.0/24\nallow-peer = 10.0.0.0/8\n"
					     "[user alice]\npassword = wonderland\n"
					     "[realm b.example]\nuser-quota = 0\n"
					     "allow-peer = 192.168.0.0/16\n",
				      NULL);
	const struct realm *a = &s->snapshot.realms[0], *b = &s->snapshot.realms[1];

	assert_int_equal(a->limits.user_allocations, 3);
	assert_int_equal(b->limits.user_allocations, 0);
	assert_int_equal(b->limits.channels, 9);
	assert_int_equal(b->limits.lifetime_s, 600);
	assert_int_equal(judge(a->peers, "10.1.2.3:5"), POLICY_ALLOWED);
	assert_int_equal(judge(b->peers, "10.1.2.3:5"), POLICY_SPECIAL);
	assert_int_equal(judge(b->peers, "192.168.2.3:5"), POLICY_ALLOWED);
	assert_int_equal(judge(b->peers, "203.0.113.9:5"), POLICY_RULE);
	assert_null(b->users);
	assert_ptr_equal(snapshot_realm(&s->snapshot, b->id), b);
	settings_release(s);
}

static void what_turnd_listens_on_is_no_peer(void **state)
{
	struct settings *s = kit_make("admin = 9642\nallow-peer = 127.0.0.0/8, ::1\nrealm = a\n"
				      "relay-address = 127.0.0.1 public 9.9.9.9\n"
				      "[user alice]\npassword = wonderland\n",
				      NULL);
	const struct policy *p = s->snapshot.realms[0].peers;

	/* Wildcards stand for every address that there is. */
	assert_int_equal(judge(p, "127.0.0.1:3478"), POLICY_OWN);
	assert_int_not_equal(judge(p, "[::ffff:127.0.0.1]:3478"), POLICY_ALLOWED);
	assert_int_equal(judge(p, "127.0.0.1:9642"), POLICY_OWN);
	assert_int_equal(judge(p, "127.0.0.1:50000"), POLICY_RELAY_PORT);
	assert_int_equal(judge(p, "9.9.9.9:50000"), POLICY_RELAY_PORT);
	assert_int_equal(judge(p, "127.0.0.2:9642"), POLICY_ALLOWED);
	assert_int_equal(judge(p, "8.8.8.8:53"), POLICY_ALLOWED);
	assert_int_equal(judge(p, "192.168.0.1:53"), POLICY_SPECIAL);
	settings_release(s);
}

static void expect_relay(const struct settings *s, size_t i, const char *local, const char *seen)
{
	char text[ADDR_TEXT_MAX];

	assert_true(i < s->snapshot.relay_count);
	assert_string_equal(addr_print_ip(&s->snapshot.relays[i].local, text), local);
	assert_string_equal(addr_print_ip(&s->snapshot.relays[i].seen_as, text), seen);
	assert_int_equal(s->snapshot.relays[i].local.port, 0);
}

#define ALICE "realm = a\n[user alice]\npassword = wonderland\n"

static void relay_addresses_are_named_or_those_of_the_listeners(void **state)
{
	struct settings *s = kit_make("listen = 127.0.0.1, 127.0.0.1:99, [::1]\n" ALICE, NULL);

	assert_int_equal(s->snapshot.relay_count, 2);
	expect_relay(s, 0, "127.0.0.1", "127.0.0.1");
	expect_relay(s, 1, "::1", "::1");
	settings_release(s);
	s = kit_make("relay-address = 10.0.0.5 public 203.0.113.7, 2001:db8::5\n" ALICE, NULL);
	assert_int_equal(s->snapshot.relay_count, 2);
	expect_relay(s, 0, "10.0.0.5", "203.0.113.7");
	expect_relay(s, 1, "2001:db8::5", "2001:db8::5");
	settings_release(s);
	s = kit_make("relay-address = lo public 203.0.113.7\n" ALICE, NULL);
	expect_relay(s, 0, "127.0.0.1", "203.0.113.7");
	settings_release(s);
}

static void names_follow_what_dns_says_by_now(void **state)
{
	static const char text[] = "relay-address = 10.0.0.5 public localhost\n" ALICE;
	struct settings *first = kit_make(text, NULL), *second;
	struct names fresh = *settings_looked_up(first);

	expect_relay(first, 0, "10.0.0.5", "127.0.0.1");
	assert_int_equal(fresh.count, 1);
	fresh.list[0].ipv4 = addr_ipv4(198, 51, 100, 7, 0);
	assert_false(names_equal(&fresh, settings_looked_up(first)));
	second = settings_renew(&kit_conf, first, &fresh, 1000, &kit_err);
	assert_non_null(second);
	expect_relay(second, 0, "10.0.0.5", "198.51.100.7");
	settings_release(first);
	/* DNS that fails changes nothing. */
	fresh.list[0].ipv4 = (struct addr){ 0 };
	fresh.list[0].ipv6 = (struct addr){ 0 };
	first = settings_renew(&kit_conf, second, &fresh, 1000, &kit_err);
	assert_non_null(first);
	expect_relay(first, 0, "10.0.0.5", "198.51.100.7");
	settings_release(first);
	settings_release(second);
}

static void a_reload_keeps_local_relay_addresses_and_changes_what_is_seen(void **state)
{
	struct settings *before =
		kit_make("relay-address = 10.0.0.5 public 203.0.113.7\n" ALICE, NULL);
	struct settings *s =
		kit_make("relay-address = 10.0.0.5 public 203.0.113.8\n" ALICE, before);

	assert_false(settings_wants_other_relays(s));
	expect_relay(s, 0, "10.0.0.5", "203.0.113.8");
	settings_release(s);
	s = kit_make("relay-address = 10.0.0.6\n" ALICE, before);
	assert_true(settings_wants_other_relays(s));
	assert_int_equal(s->snapshot.relay_count, 1);
	expect_relay(s, 0, "10.0.0.5", "203.0.113.7");
	settings_release(s);
	settings_release(before);
}

static void nonces_tickets_and_user_ids_outlive_a_reload(void **state)
{
	struct settings *before = kit_make(LISTEN ALICE, NULL), *s = kit_make(LISTEN ALICE, before);
	struct addr client = addr_ipv4(192, 0, 2, 1, 99);
	struct ticket ticket = { .user = 7 }, opened;
	uint8_t sealed[TICKET_LEN];
	char nonce[NONCE_LEN];
	struct nonce_facts facts;
	struct users_match old, now;

	nonce_make(&before->snapshot.nonces, &client, 0, 1000, nonce);
	assert_int_equal(
		nonce_check(&s->snapshot.nonces, bytes_of(nonce, NONCE_LEN), &client, 1001, &facts),
		NONCE_FRESH);
	assert_true(ticket_make(&before->snapshot.tickets, &ticket, sealed));
	assert_int_equal(ticket_open(&s->snapshot.tickets, bytes_of(sealed, TICKET_LEN), &opened),
			 TICKET_GOOD);
	users_find(default_users(before), bytes_of_str("alice"), STUN_PASSWORD_MD5, 0, &old);
	users_find(default_users(s), bytes_of_str("alice"), STUN_PASSWORD_MD5, 0, &now);
	assert_true(old.keys[0].user == now.keys[0].user);
	users_match_wipe(&old);
	users_match_wipe(&now);
	settings_release(before);
	settings_release(s);
}

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY_B "A00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void servers_with_one_key_accept_each_others_nonces(void **state)
{
	struct addr client = addr_ipv4(192, 0, 2, 1, 99);
	char nonce[NONCE_LEN];
	struct nonce_facts facts;
	struct settings *a, *b;

	kit_write("nonces", KEY_A "\n");
	a = kit_make("nonce-key-file = @nonces\nnonce-lifetime = 10m\n", NULL);
	kit_write("nonces", "# the next one first\n" KEY_B "\n" KEY_A "\n");
	b = kit_make("nonce-key-file = @nonces\n", NULL);
	nonce_make(&a->snapshot.nonces, &client, 0, 1000, nonce);
	assert_int_equal(
		nonce_check(&b->snapshot.nonces, bytes_of(nonce, NONCE_LEN), &client, 1001, &facts),
		NONCE_FRESH);
	nonce_make(&b->snapshot.nonces, &client, 0, 1000, nonce);
	assert_int_equal(
		nonce_check(&a->snapshot.nonces, bytes_of(nonce, NONCE_LEN), &client, 1001, &facts),
		NONCE_FORGED);
	assert_int_equal(a->snapshot.nonces.life_s, 600);
	settings_release(a);
	settings_release(b);
}

/* The tag of the connection when a client asks for `name`: the realm. */
static uint64_t realm_for(SSL_CTX *server_ctx, const char *name)
{
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
	BIO *one, *other;
	uint64_t tag;
	int rc = 0;

	assert_int_equal(BIO_new_bio_pair(&one, 0, &other, 0), 1);
	SSL_set_bio(client, one, one);
	SSL_set_bio(server, other, other);
	if (name != NULL)
		SSL_set_tlsext_host_name(client, name);
	for (int i = 0; i < 10 && rc != 1; i++) {
		(void)SSL_connect(client);
		rc = SSL_accept(server);
	}
	assert_int_equal(rc, 1);
	tag = tls_name_tag(server);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(client_ctx);
	return tag;
}

static void certificates_are_chosen_by_name(void **state)
{
	struct settings *s;
	struct cert c;
	char text[1024];

	assert_true(cert_make(&c, "turn.example.org"));
	snprintf(text, sizeof(text),
		 LISTEN "realm = a\ncert-file = %s\nkey-file = %s\n"
			"[realm b]\nserver-name = Turn.B.example, b.example\n"
			"[realm c]\nserver-name = c.example\ncert-file = %s\nkey-file = %s\n",
		 c.cert_file, c.key_file, c.cert_file, c.key_file);
	s = kit_make(text, NULL);
	cert_remove(&c);
	assert_int_equal(s->name_count, 4);
	assert_null(s->names[0].server_name);
	assert_int_equal(s->names[0].realm, 0);
	assert_string_equal(s->names[1].server_name, "turn.b.example");
	assert_true(s->names[1].realm == s->snapshot.realms[1].id);
	assert_ptr_equal(s->names[1].tls, s->names[0].tls);
	assert_string_equal(s->names[3].server_name, "c.example");
	assert_ptr_not_equal(s->names[3].tls, s->names[0].tls);
	assert_int_equal(realm_for(s->names[0].tls, NULL), 0);
	assert_true(realm_for(s->names[0].tls, "b.example") == s->snapshot.realms[1].id);
	assert_true(realm_for(s->names[0].tls, "C.Example") == s->snapshot.realms[2].id);
	settings_release(s);
}

static void other_servers_stand_for_the_transports_they_are_for(void **state)
{
	struct settings *s =
		kit_make("alternate-server = 192.0.2.1 udp, 192.0.2.2 turn.example.org\n"
			 "draining = on\ntcp-relay = on\nmobility = on\nsoftware = x\n",
			 NULL);
	const struct snapshot_alternate *a = s->snapshot.alternates;

	assert_int_equal(s->snapshot.alternate_count, 5);
	assert_int_equal(a[0].transport, STUN_UDP);
	assert_int_equal(a[0].addr.port, 3478);
	assert_null(a[0].domain);
	assert_int_equal(a[4].transport, STUN_DTLS);
	assert_int_equal(a[4].addr.port, 5349);
	assert_string_equal(a[4].domain, "turn.example.org");
	assert_true(s->snapshot.draining);
	assert_true(s->snapshot.tcp_relay);
	assert_true(s->snapshot.mobility);
	assert_string_equal(s->snapshot.stun.software, "x");
	settings_release(s);
}

static void files_that_are_wrong_are_named_with_the_line(void **state)
{
	kit_write("empty", "");
	kit_write("many", "1\n2\n3\n4\n5\n");
	kit_write("users", "[a]\nzz\n");
	kit_write("oauth", "\nkid A256GCM AAAA\n");
	kit_write("nonces", "0011\n");
	expect_refused("\nrealm = a\npassword-file = @users\n", "turnd.conf:3: password-file: ");
	expect_refused("realm = a\npassword-file = @users\n", "users:2: ");
	expect_refused("realm = a\npassword-file = @none\n", "none: No such file");
	expect_refused("realm = a\npassword-file = @\n", "folder");
	expect_refused("realm = a\nauth-secret-file = @empty\n", "empty: has no secret");
	expect_refused("realm = a\nauth-secret-file = @many\n", "many:5: ");
	expect_refused("realm = a\noauth-key-file = @oauth\noauth-server-name = a\n",
		       "oauth:2: the key is shorter");
	expect_refused("\n\nnonce-key-file = @nonces\n", "turnd.conf:3: nonce-key-file: ");
	expect_refused("nonce-key-file = @nonces\n", "openssl rand -hex 32");
	expect_refused("geo-database = @users\n", "turnd.conf:1: geo-database: ");
	expect_refused("cert-file = @users\nkey-file = @users\n", "turnd.conf:1: cert-file: ");
	expect_refused("realm = a\n[realm b]\npassword-file = @users\n[user c]\npassword = x\n",
		       "[realm b] password-file: ");
	expect_refused("relay-address = no-such-host.invalid\n" ALICE,
		       "turnd.conf:1: relay-address");
	expect_refused("relay-address = 10.0.0.1 public 9.9.9.9, 10.0.0.2 public 9.9.9.9\n",
		       "two addresses would be seen as");
	expect_refused("relay-address = 10.0.0.1, 10.0.0.1\n", "stands twice");
	expect_refused("realm = a\n[user x]\npassword = \"\\x01\"\n", "turnd.conf:2: [user x]");
	expect_refused("realm = a\n[realm \xc3\x85]\n[realm A\xcc\x8a]\n", "another name");
	if (!users_sqlite_is_built())
		expect_refused("realm = a\nuser-database = @empty\n", "built without SQLite");
	else
		expect_refused("realm = a\nuser-database = @users\n",
			       "turnd.conf:2: user-database");
}

static void counts_of_holders_are_kept(void **state)
{
	struct settings *s = kit_make(LISTEN ALICE, NULL);

	assert_ptr_equal(settings_retain(s), s);
	settings_release(s);
	assert_true(settings_has_users(s));
	settings_release(s);
	settings_release(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_let_in_by_an_empty_file),
		cmocka_unit_test(users_are_found_in_their_realm_alone),
		cmocka_unit_test(keys_are_kept_and_passwords_are_not),
		cmocka_unit_test(users_come_from_files_too),
		cmocka_unit_test(time_limited_credentials_fit_any_of_the_secrets),
		cmocka_unit_test(access_tokens_have_keys_in_a_file),
		cmocka_unit_test(a_realm_takes_over_rules_and_never_credentials),
		cmocka_unit_test(what_turnd_listens_on_is_no_peer),
		cmocka_unit_test(relay_addresses_are_named_or_those_of_the_listeners),
		cmocka_unit_test(names_follow_what_dns_says_by_now),
		cmocka_unit_test(a_reload_keeps_local_relay_addresses_and_changes_what_is_seen),
		cmocka_unit_test(nonces_tickets_and_user_ids_outlive_a_reload),
		cmocka_unit_test(servers_with_one_key_accept_each_others_nonces),
		cmocka_unit_test(certificates_are_chosen_by_name),
		cmocka_unit_test(other_servers_stand_for_the_transports_they_are_for),
		cmocka_unit_test(files_that_are_wrong_are_named_with_the_line),
		cmocka_unit_test(counts_of_holders_are_kept),
	};

	return cmocka_run_group_tests(tests, kit_set_up, kit_tear_down);
}
