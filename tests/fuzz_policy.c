/*
 * Lines of rules, the kind in the first byte of each, and then every address of the input: a rule
 * is taken or refused with a reason, and who names a prefix decides about its addresses.
 */
#include "turnd/policy.h"
#include "fuzz_check.h"

#include <string.h>

#include "wire.h"

#define LINES_MAX 64

static void add_endpoint(struct policy_rules *r, const char *text, bool own)
{
	const char *why = NULL;
	struct addr a;
	bool added;

	if (!addr_parse(text, 0, &a))
		return;
	added = own ? policy_rules_add_own(r, &a, &why) : policy_rules_add_relay(r, &a, &why);
	FUZZ_CHECK(added || why != NULL);
}

static void add(struct policy_rules *r, const char *line)
{
	enum policy_list list = line[0] & 1 ? POLICY_ALLOW : POLICY_DENY;
	const char *why = NULL;
	bool added = true;

	switch (line[0]) {
	case '+':
	case '-':
		added = policy_rules_add(r, list, line + 1, &why);
		break;
	case 'n':
		added = policy_rules_add_nat64(r, line + 1, &why);
		break;
	case 'o':
	case 'r':
		add_endpoint(r, line + 1, line[0] == 'o');
		break;
	default:
		break;
	}
	FUZZ_CHECK(added || why != NULL);
}

/* Countries and networks read or do not; a policy without a database would refuse them. */
static void try_places(const char *line)
{
	struct policy_rules *r = policy_rules_new(false);
	const char *why = NULL;
	bool country, network;
	struct policy *p;

	if (r == NULL)
		return;
	country = policy_rules_add_country(r, POLICY_DENY, line, &why);
	network = policy_rules_add_network(r, POLICY_ALLOW, line, &why);
	FUZZ_CHECK(!country || !network);
	FUZZ_CHECK((country || network) || why != NULL);
	p = policy_new(r, NULL, &why);
	FUZZ_CHECK((p == NULL) == (country || network));
	policy_free(p);
	policy_rules_free(r);
}

/* A permission never refuses what a port of that address could allow. */
static void judge(const struct policy *p, const struct addr *a)
{
	struct policy_why why = { .addr = { .family = 99 } };
	enum policy_verdict v = policy_judge(p, a, NULL, &why);

	FUZZ_CHECK(v >= POLICY_ALLOWED && v < POLICY_VERDICTS);
	FUZZ_CHECK((v == POLICY_ALLOWED) == (why.addr.family == 99));
	FUZZ_CHECK(v != POLICY_ALLOWED || policy_judge_address(p, a, NULL) == POLICY_ALLOWED);
	if (v == POLICY_SPECIAL)
		FUZZ_CHECK(why.special != NULL);
}

static void judge_all(const struct policy *p, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		struct wire w = wire_read(bytes_of(data + at, len - at));
		struct addr a = { .family = at & 1 ? ADDR_IPV4 : ADDR_IPV6 };

		wire_get_mem(&w, a.ip, addr_ip_len(a.family));
		a.port = wire_get_u16(&w);
		if (!w.failed)
			judge(p, &a);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct policy_rules *r = policy_rules_new(true);
	char *text = malloc(len + 1), *rest = text, *line;
	const char *why = NULL;
	struct policy *p;

	if (text == NULL || r == NULL)
		abort();
	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	for (int i = 0; i < LINES_MAX && (line = strsep(&rest, "\n")) != NULL; i++) {
		struct addr a;

		add(r, line);
		try_places(line);
		if (addr_parse(line, 80, &a) && (p = policy_new(r, NULL, &why)) != NULL) {
			judge(p, &a);
			policy_free(p);
		}
	}
	p = policy_new(r, NULL, &why);
	FUZZ_CHECK(p != NULL);
	judge_all(p, data, len > 512 ? 512 : len);
	policy_free(p);
	policy_rules_free(r);
	free(text);
	return 0;
}
