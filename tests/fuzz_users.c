/*
 * Password files and user names. The first byte chooses: the rest is a file, whose users must
 * be such as we could have written ourselves, or the name in a request of a stranger.
 */
#include "turnd/users.h"
#include "fuzz_check.h"

#define NOW UINT64_C(1800000000)

static struct users *new_set(void)
{
	static const uint8_t key[USERS_KEY_LEN] = "a key that no seed was made with";
	struct users *u;

	FUZZ_CHECK(users_new(BYTES("example.org"), key, &u) == USERS_OK);
	return u;
}

static void check_lines(struct bytes text)
{
	struct users_line line;

	if (users_read_line(text, &line) != USERS_OK || line.kind == USERS_LINE_NOTHING)
		return;
	FUZZ_CHECK(line.text.len > 0 && line.text.len <= text.len);
	FUZZ_CHECK(memchr(line.text.data, '\0', line.text.len) == NULL);
	FUZZ_CHECK(memchr(line.text.data, '\n', line.text.len) == NULL);
}

static void check_file(struct bytes text)
{
	struct users *u = new_set();
	struct users_match m;
	uint32_t line = 0;
	enum users_result result = users_add_file(u, text, &line);

	FUZZ_CHECK(*users_why(result) != '\0');
	FUZZ_CHECK(result == USERS_OK || line > 0);
	if (result == USERS_OK)
		result = users_finish(u, &line);
	if (result == USERS_OK) {
		users_find(u, BYTES("alice"), STUN_PASSWORD_SHA256, NOW, &m);
		FUZZ_CHECK(m.count == 1);
		FUZZ_CHECK(users_count(u) > 0 || m.keys[0].source == USERS_NOBODY);
	}
	users_free(u);
	check_lines(text);
}

static void check_name(struct bytes name)
{
	static struct users *u;
	struct users_match m;
	uint32_t line;

	if (u == NULL) {
		u = new_set();
		FUZZ_CHECK(users_add(u, BYTES("alice"), BYTES("wonderland")) == USERS_OK);
		FUZZ_CHECK(users_add_secret(u, BYTES("north"), USERS_SHA1) == USERS_OK);
		FUZZ_CHECK(users_finish(u, &line) == USERS_OK);
	}
	users_find(u, name, STUN_PASSWORD_MD5, NOW, &m);
	FUZZ_CHECK(m.count == 2 && m.effort.steps == 1 && m.effort.compares == 1);
	FUZZ_CHECK(m.effort.hmacs == 1 && m.effort.keys == 2);
	FUZZ_CHECK((m.keys[0].source != USERS_NOBODY) == bytes_equal(name, BYTES("alice")));
	if (m.keys[1].source != USERS_NOBODY) {
		FUZZ_CHECK(name.len > 0 && name.data[0] >= '0' && name.data[0] <= '9');
		FUZZ_CHECK(memchr(name.data, '\0', name.len) == NULL);
	}
	users_find_hash(u, name, STUN_PASSWORD_MD5, NOW, &m);
	FUZZ_CHECK(m.count == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] % 2 == 0)
		check_file(bytes_of(data + 1, len - 1));
	else
		check_name(bytes_of(data + 1, len - 1));
	return 0;
}
