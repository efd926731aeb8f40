/* The table of networks: every entry is whole, and no two are the same. */
#include "nat_profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "natprobe/report/expect.h"
#include "nat_truth.h"

/* All that the discovery itself says as a word, and the step; the shell adds the others. */
static bool is_categorical(const struct property *p)
{
	if (strcmp(p->name, "upnp") == 0 || strcmp(p->name, "captive-portal") == 0)
		return false;
	if (p->is_deep)
		return false;
	return p->kind == PROPERTY_WORD || strcmp(p->name, "delta.value") == 0;
}

static unsigned lines_about(const struct expect *e, const struct property *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < e->count; i++)
		n += e->lines[i].property == p && e->lines[i].operator== EXPECT_EQUAL;
	return n;
}

static struct expect parse(const struct nat_profile *p, const char *text)
{
	struct expect_error error;
	struct expect e;

	if (!expect_parse((struct bytes){ (const uint8_t *)text, strlen(text) }, &e, &error))
		fail_msg("%s, line %u: %s", p->name, error.line, error.text);
	return e;
}

static void every_truth_names_every_property(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];
		struct expect truth = parse(p, p->truth), deep = parse(p, p->deep_truth);

		for (size_t k = 0; k < property_count; k++) {
			const struct property *property = &property_table[k];

			if (is_categorical(property) && lines_about(&truth, property) != 1)
				fail_msg("%s: %s", p->name, property->name);
		}
		expect_free(&truth);
		expect_free(&deep);
	}
}

static bool has_line(const struct expect *e, const struct expect_line *wanted)
{
	for (size_t i = 0; i < e->count; i++) {
		if (e->lines[i].property == wanted->property &&
		    strcmp(e->lines[i].wanted, wanted->wanted) == 0)
			return true;
	}
	return false;
}

/* Written down twice: by hand, and as what follows from the boxes. */
static void every_truth_follows_from_the_boxes(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];
		char text[NAT_TRUTH_MAX];

		if (!nat_truth(p, text))
			fail_msg("%s: no truth", p->name);
		struct expect truth = parse(p, p->truth), derived = parse(p, text);

		assert_int_equal(truth.count, derived.count);
		for (size_t k = 0; k < derived.count; k++) {
			if (!has_line(&truth, &derived.lines[k]))
				fail_msg("%s: %s = %s", p->name, derived.lines[k].property->name,
					 derived.lines[k].wanted);
		}
		expect_free(&truth);
		expect_free(&derived);
	}
}

static bool is_lower_with_hyphens(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static void every_profile_is_whole(void **state)
{
	static const char *const strategies[] = { "direct",  "punch",    "punch-low-ttl",
						  "predict", "birthday", "relay" };

	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];
		bool known = false;

		for (size_t k = 0; k < ARRAY_LEN(strategies); k++)
			known = known || strcmp(p->strategy, strategies[k]) == 0;
		if (!known || !is_lower_with_hyphens(p->name) || strlen(p->summary) > 90 ||
		    p->p2pd_type == NULL || p->p2pd_delta == NULL || p->deep_truth == NULL)
			fail_msg("%s", p->name);
		assert_in_range(p->layer_count, 0, NAT_LAYERS_MAX);
		assert_int_equal(p->engine == NAT_ENGINE_KERNEL, p->nft != NULL);
		assert_ptr_equal(nat_profile_find(p->id), p);
		assert_ptr_equal(nat_profile_find(p->name), p);
	}
	assert_null(nat_profile_find("N99"));
	assert_null(nat_profile_find(""));
}

/* The 48 of the notes under their ids, sixteen for a deeper look, and three more. */
static void none_of_the_ids_is_missing(void **state)
{
	static const char *const others[] = { "K1", "K2", "K3", "L1", "L2", "L3" };

	for (unsigned i = 1; i <= 61; i++) {
		char id[4] = { 'N', (char)('0' + i / 10), (char)('0' + i % 10), '\0' };

		if (nat_profile_find(id) == NULL)
			fail_msg("%s", id);
	}
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_non_null(nat_profile_find(others[i]));
	assert_int_equal(nat_profile_count, 67);
	assert_non_null(nat_profile_find("home-router"));
	assert_non_null(nat_profile_find("symmetric-random"));
}

static bool addr_differs(const struct addr *a, const struct addr *b)
{
	return !addr_equal(a, b);
}

static bool config_differs(const struct nat_config *a, const struct nat_config *b)
{
	return memcmp(a, b, sizeof(*a)) != 0;
}

/* What the boxes do, or what the host or its cable is. */
static bool behaves_differently(const struct nat_profile *a, const struct nat_profile *b)
{
	if (a->layer_count != b->layer_count || a->two_nics != b->two_nics ||
	    a->family != b->family || memcmp(&a->access, &b->access, sizeof(a->access)) != 0)
		return true;
	for (unsigned i = 0; i < a->layer_count; i++) {
		if (config_differs(&a->layers[i], &b->layers[i]))
			return true;
	}
	return false;
}

static bool says_the_same(const struct nat_profile *a, const struct nat_profile *b)
{
	return strcmp(a->truth, b->truth) == 0 && strcmp(a->deep_truth, b->deep_truth) == 0;
}

static void no_two_profiles_are_the_same(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct nat_profile *a = &nat_profiles[i], *b = &nat_profiles[k];

			if (!behaves_differently(a, b) || says_the_same(a, b) ||
			    strcmp(a->id, b->id) == 0 || strcmp(a->name, b->name) == 0 ||
			    strcmp(a->summary, b->summary) == 0)
				fail_msg("%s and %s", a->name, b->name);
		}
	}
}

static void the_plan_puts_every_box_somewhere(void **state)
{
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];
		struct addr host = nat_plan_host(p, 0), second = nat_plan_host(p, 1);
		bool is_translated = false;

		assert_int_equal(host.family, p->family);
		assert_true(addr_differs(&host, &second));
		for (unsigned k = 0; k < p->layer_count; k++) {
			struct addr gateway = nat_plan_gateway(p, k);

			assert_int_equal(gateway.family, p->family);
			assert_true(addr_differs(&gateway, &host));
			assert_true(addr_differs(&gateway, &second));
			is_translated = is_translated || p->layers[k].mapping != NAT_NONE;
		}
		if (p->family == ADDR_IPV4)
			assert_int_equal(addr_is_private(&host) || host.ip[0] == 192,
					 is_translated);
	}
}

/* Programs treat other addresses as special. */
static void servers_and_outsides_are_ordinary(void **state)
{
	for (uint8_t family = ADDR_IPV4; family <= ADDR_IPV6; family++) {
		struct addr a = nat_plan_server(family, 0), b = nat_plan_server(family, 1);

		assert_false(addr_is_private(&a) || addr_is_private(&b));
		assert_true(addr_differs(&a, &b));
	}
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_config *outermost = &nat_profiles[i].layers[0];

		for (unsigned k = 0; k < outermost->external_count; k++)
			assert_false(addr_is_private(&outermost->externals[k]));
		assert_int_equal(outermost->mapping != NAT_NONE, outermost->external_count > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_truth_names_every_property),
		cmocka_unit_test(every_truth_follows_from_the_boxes),
		cmocka_unit_test(every_profile_is_whole),
		cmocka_unit_test(none_of_the_ids_is_missing),
		cmocka_unit_test(no_two_profiles_are_the_same),
		cmocka_unit_test(the_plan_puts_every_box_somewhere),
		cmocka_unit_test(servers_and_outsides_are_ordinary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
