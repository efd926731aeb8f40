/* The OpaqueString profile (RFC 8265, section 4), on FreeformClass (RFC 8264, RFC 5892). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <uninorm.h>
#include <unistr.h>
#include <unictype.h>

#include "opaque.h"

struct good {
	const char *why, *in, *want;
};

struct bad {
	const char *why, *in;
};

static void check_good(const struct good *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t first[OPAQUE_MAX], second[OPAQUE_MAX];
		struct bytes once, twice;
		enum opaque_result r =
			opaque_prepare(bytes_of_str(cases[i].in), first, sizeof(first), &once);

		if (r != OPAQUE_OK)
			fail_msg("%s: %s", cases[i].why, opaque_why(r));
		if (!bytes_equal(once, bytes_of_str(cases[i].want)))
			fail_msg("%s: became %.*s", cases[i].why, (int)once.len, once.data);
		assert_int_equal(opaque_prepare(once, second, sizeof(second), &twice), OPAQUE_OK);
		assert_true(bytes_equal(once, twice));
	}
}

static void check_bad(const struct bad *cases, size_t count, enum opaque_result want)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t buf[OPAQUE_MAX];
		struct bytes out = BYTES("old");
		enum opaque_result r =
			opaque_prepare(bytes_of_str(cases[i].in), buf, sizeof(buf), &out);

		if (r != want)
			fail_msg("%s: %s", cases[i].why, opaque_why(r));
		assert_true(bytes_equal(out, BYTES("old")));
	}
}

static void the_examples_of_rfc_8265_are_passwords(void **state)
{
	static const struct good cases[] = {
		{ "12", "correct horse battery staple", "correct horse battery staple" },
		{ "13", "Correct Horse Battery Staple", "Correct Horse Battery Staple" },
		{ "14", "\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5" },
		{ "15", "Jack of \u2666s", "Jack of \u2666s" },
		{ "16", "foo\u1680bar", "foo bar" },
	};
	static const struct bad tab[] = { { "18", "my cat is a \x09"
						  "by" } };
	static const struct bad empty[] = { { "17", "" } };

	check_good(cases, ARRAY_LEN(cases));
	check_bad(tab, ARRAY_LEN(tab), OPAQUE_DISALLOWED);
	check_bad(empty, ARRAY_LEN(empty), OPAQUE_EMPTY);
}

static void the_user_name_of_rfc_8489_stays_and_its_password_is_refused(void **state)
{
	static const struct good user[] = {
		{ "user name", "\u30de\u30c8\u30ea\u30c3\u30af\u30b9",
		  "\u30de\u30c8\u30ea\u30c3\u30af\u30b9" },
		{ "realm", "example.org", "example.org" },
	};
	/* SASLprep drops the soft hyphen and folds the rest; OpaqueString does neither. */
	static const struct bad password[] = {
		{ "soft hyphen", "The\u00ad"
				 "M\u00aatr\u2168" },
	};

	check_good(user, ARRAY_LEN(user));
	check_bad(password, ARRAY_LEN(password), OPAQUE_DISALLOWED);
}

static void what_is_allowed_is_brought_to_one_form(void **state)
{
	static const struct good cases[] = {
		{ "case stays", "TheMatrIX", "TheMatrIX" },
		{ "all of printable ASCII", " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~",
		  " !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~" },
		{ "spaces at both ends stay", "  x  ", "  x  " },
		{ "no-break space", "a\u00a0b", "a b" },
		{ "all other spaces",
		  "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
		  "\u205f\u3000",
		  "              " },
		{ "a composed letter stays", "caf\u00e9", "caf\u00e9" },
		{ "a decomposed letter is composed", "cafe\u0301", "caf\u00e9" },
		{ "marks are ordered", "a\u0323\u0302 a\u0302\u0323", "\u1ead \u1ead" },
		{ "a singleton is replaced", "\u212b\u2126", "\u00c5\u03a9" },
		{ "fullwidth stays", "\uff21\uff22\uff23", "\uff21\uff22\uff23" },
		{ "halfwidth stays", "\uff76\uff9e", "\uff76\uff9e" },
		{ "compatibility characters stay", "\u2163 \ufb01 \u00aa \u2168 \u00b2",
		  "\u2163 \ufb01 \u00aa \u2168 \u00b2" },
		{ "a composition that Unicode excludes", "\u0958", "\u0915\u093c" },
		{ "Hangul syllables", "\ud55c\uad6d", "\ud55c\uad6d" },
		{ "symbols", "\u221e\u20ac\u2603\u00a8", "\u221e\u20ac\u2603\u00a8" },
		{ "beyond the first plane", "\U0001f600\U00020000", "\U0001f600\U00020000" },
		{ "an enclosing mark", "1\u20dd", "1\u20dd" },
		{ "title case, letter numbers", "\u01c5\u3007\u2167", "\u01c5\u3007\u2167" },
		{ "right to left", "\u05d0\u05d1 abc", "\u05d0\u05d1 abc" },
		{ "Arabic signs that are exceptions", "\u06fd\u06fe", "\u06fd\u06fe" },
	};

	check_good(cases, ARRAY_LEN(cases));
}

static void what_cannot_be_seen_or_known_is_refused(void **state)
{
	static const struct bad cases[] = {
		{ "control", "a\x01" },
		{ "line end", "a\n" },
		{ "delete", "a\x7f" },
		{ "control, C1", "a\xc2\x85" },
		{ "soft hyphen", "a\u00ad" },
		{ "zero width space", "a\u200b" },
		{ "word joiner", "a\u2060" },
		{ "byte order mark", "\ufeff"
				     "a" },
		{ "variation selector", "a\ufe0f" },
		{ "combining grapheme joiner", "a\u034f" },
		{ "right-to-left override", "a\u202e" },
		{ "Arabic letter mark", "a\u061c" },
		{ "Arabic number sign, a format character", "\u0600"
							    "1" },
		{ "line separator", "a\u2028" },
		{ "paragraph separator", "a\u2029" },
		{ "language tag", "a\U000e0001" },
		{ "private use", "a\ue000" },
		{ "private use, plane 16", "a\U0010fffd" },
		{ "noncharacter", "a\ufdd0" },
		{ "noncharacter at the end of a plane", "a\U0001ffff" },
		{ "the last one", "a\U0010ffff" },
		{ "unassigned", "a\u0378" },
		{ "old Hangul, leading", "\u1112" },
		{ "old Hangul, vowel", "\u1161" },
		{ "old Hangul, trailing", "\u11ab" },
		{ "old Hangul that would compose", "\u1112\u1161\u11ab" },
		{ "old Hangul, extended", "\ua960\ud7b0\ud7cb" },
		{ "tatweel", "\u0628\u0640" },
		{ "NKo lajanyalan", "\u07fa" },
		{ "Hangul tone mark", "\u302e" },
		{ "vertical kana repeat mark", "\u3031" },
		{ "vertical ideographic iteration mark", "\u303b" },
	};

	check_bad(cases, ARRAY_LEN(cases), OPAQUE_DISALLOWED);
}

static void some_characters_need_the_right_place(void **state)
{
	static const struct good right[] = {
		{ "middle dot between l", "col\u00b7laborar", "col\u00b7laborar" },
		{ "keraia before Greek", "\u0375\u03b1", "\u0375\u03b1" },
		{ "geresh behind Hebrew", "\u05d0\u05f3", "\u05d0\u05f3" },
		{ "gershayim behind Hebrew", "\u05d0\u05f4\u05d1", "\u05d0\u05f4\u05d1" },
		{ "katakana middle dot with katakana", "\u30fb\u30a2", "\u30fb\u30a2" },
		{ "katakana middle dot with hiragana", "\u3042\u30fb", "\u3042\u30fb" },
		{ "katakana middle dot with Han", "x\u30fb\u6f22", "x\u30fb\u6f22" },
		{ "Arabic-Indic digits", "\u0660\u0669 1", "\u0660\u0669 1" },
		{ "extended Arabic-Indic digits", "\u06f0\u06f9 1", "\u06f0\u06f9 1" },
		{ "ZWJ behind a virama", "\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937" },
		{ "ZWNJ behind a virama", "\u0915\u094d\u200c\u0937", "\u0915\u094d\u200c\u0937" },
		{ "ZWNJ between joining letters", "\u0646\u200c\u0627", "\u0646\u200c\u0627" },
		{ "ZWNJ with transparent marks around", "\u0646\u064e\u200c\u064e\u0627",
		  "\u0646\u064e\u200c\u064e\u0627" },
	};
	static const struct bad wrong[] = {
		{ "middle dot alone", "\u00b7" },
		{ "middle dot, l before only", "l\u00b7a" },
		{ "middle dot, l behind only", "a\u00b7l" },
		{ "middle dot at the end", "l\u00b7" },
		{ "middle dot between L", "L\u00b7L" },
		{ "what becomes a middle dot", "\u03b1\u0387" },
		{ "keraia at the end", "\u03b1\u0375" },
		{ "keraia before Latin", "\u0375"
					 "a" },
		{ "geresh at the start", "\u05f3\u05d0" },
		{ "gershayim behind Latin", "a\u05f4" },
		{ "katakana middle dot alone", "\u30fb" },
		{ "katakana middle dot with Latin", "a\u30fb" },
		{ "both kinds of Arabic digits", "\u0660\u06f0" },
		{ "both kinds, apart", "\u06f1 and \u0661" },
		{ "ZWJ alone", "\u200d" },
		{ "ZWJ behind a letter", "a\u200d"
					 "b" },
		{ "ZWJ between joining letters", "\u0646\u200d\u0627" },
		{ "ZWNJ alone", "\u200c" },
		{ "ZWNJ behind a letter", "a\u200c"
					  "b" },
		{ "ZWNJ at the end", "\u0646\u200c" },
		{ "ZWNJ at the start", "\u200c\u0627" },
		{ "ZWNJ behind a letter that does not join on", "\u0627\u200c\u0646" },
		{ "ZWNJ before a letter of no script", "\u0646\u200c"
						       "1" },
	};

	check_good(right, ARRAY_LEN(right));
	check_bad(wrong, ARRAY_LEN(wrong), OPAQUE_DISALLOWED);
}

static void what_is_not_utf8_is_refused(void **state)
{
	static const struct bad cases[] = {
		{ "a byte that begins nothing", "a\xff" },
		{ "continuation alone", "\x80" },
		{ "cut short", "a\xc3" },
		{ "cut short, of three", "\xe2\x82" },
		{ "cut short, in between", "\xe2\x82z" },
		{ "overlong NUL", "\xc0\x80" },
		{ "overlong slash", "\xe0\x80\xaf" },
		{ "surrogate", "\xed\xa0\x80" },
		{ "beyond Unicode", "\xf4\x90\x80\x80" },
		{ "five bytes", "\xf8\x88\x80\x80\x80" },
	};

	check_bad(cases, ARRAY_LEN(cases), OPAQUE_NOT_UTF8);
}

static void nul_is_a_control(void **state)
{
	uint8_t buf[OPAQUE_MAX];
	struct bytes out;

	assert_int_equal(opaque_prepare(BYTES("a\0b"), buf, sizeof(buf), &out), OPAQUE_DISALLOWED);
	assert_int_equal(opaque_prepare(BYTES("\0"), buf, sizeof(buf), &out), OPAQUE_DISALLOWED);
	assert_int_equal(opaque_prepare((struct bytes){ 0 }, buf, sizeof(buf), &out), OPAQUE_EMPTY);
}

/* `unit` so many times, then `tail`. */
static struct bytes repeat(const char *unit, size_t times, const char *tail, uint8_t *buf,
			   size_t cap)
{
	struct wire_out w = wire_write(buf, cap);

	for (size_t i = 0; i < times; i++)
		wire_put_mem(&w, unit, strlen(unit));
	wire_put_mem(&w, tail, strlen(tail));
	assert_false(w.failed);
	return wire_written(&w);
}

static void lengths_are_limited(void **state)
{
	static const struct {
		const char *why, *unit;
		size_t times;
		const char *tail;
		enum opaque_result want;
		size_t len;
	} cases[] = {
		{ "ASCII, the most", "a", 763, "", OPAQUE_OK, 763 },
		{ "ASCII, one more", "a", 764, "", OPAQUE_TOO_LONG, 0 },
		{ "two bytes each, the most", "\u00e9", 381, "a", OPAQUE_OK, 763 },
		{ "two bytes each, one more", "\u00e9", 382, "", OPAQUE_TOO_LONG, 0 },
		{ "shrinks", "e\u0301", 254, "a", OPAQUE_OK, 509 },
		{ "shrinks, but is too long before", "e\u0301", 255, "", OPAQUE_TOO_LONG, 0 },
		{ "grows from two bytes to three and three", "\u0958", 127, "a", OPAQUE_OK, 763 },
		{ "grows above the limit", "\u0958", 128, "", OPAQUE_TOO_LONG, 0 },
		{ "grows threefold", "\U0001d160", 190, "", OPAQUE_TOO_LONG, 0 },
		{ "marks without end", "\u0323\u0302", 190, "a", OPAQUE_OK, 761 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t in[2048], buf[OPAQUE_MAX + 1];
		struct bytes text =
			repeat(cases[i].unit, cases[i].times, cases[i].tail, in, sizeof(in));
		struct bytes out = { 0 };
		enum opaque_result r = opaque_prepare(text, buf, sizeof(buf), &out);

		if (r != cases[i].want || out.len != cases[i].len)
			fail_msg("%s: %s, %zu bytes", cases[i].why, opaque_why(r), out.len);
	}
}

static void a_small_buffer_is_not_overrun(void **state)
{
	static const char *const texts[] = { "abcdef", "abcd\u00e9" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		for (size_t cap = 0; cap <= 6; cap++) {
			uint8_t buf[8] = { 0 };
			struct bytes out;
			enum opaque_result want = cap < 6 ? OPAQUE_TOO_LONG : OPAQUE_OK;

			assert_int_equal(opaque_prepare(bytes_of_str(texts[i]), buf, cap, &out),
					 want);
			assert_int_equal(buf[cap], 0);
		}
	}
}

/* HasCompat of RFC 8264, section 9.17, by its definition. */
static bool has_compat(ucs4_t cp)
{
	ucs4_t buf[32];
	size_t len = ARRAY_LEN(buf);

	assert_ptr_equal(u32_normalize(UNINORM_NFKC, &cp, 1, buf, &len), buf);
	return len != 1 || buf[0] != cp;
}

/* Those that are refused though their general category, or HasCompat, would allow them. */
static bool is_special(ucs4_t cp)
{
	static const ucs4_t alone[] = { 0xb7,  0x375,  0x387,  0x5f3,  0x5f4, 0x640,
					0x7fa, 0x302e, 0x302f, 0x303b, 0x30fb };

	for (size_t i = 0; i < ARRAY_LEN(alone); i++) {
		if (cp == alone[i])
			return true;
	}
	return (cp >= 0x1100 && cp <= 0x11ff) || (cp >= 0xa960 && cp <= 0xa97c) ||
	       (cp >= 0xd7b0 && cp <= 0xd7fb) || (cp >= 0x3031 && cp <= 0x3035) ||
	       uc_is_property_default_ignorable_code_point(cp);
}

static void every_code_point_has_the_property_of_rfc_8264(void **state)
{
	for (ucs4_t cp = 0; cp < 0x110000; cp++) {
		uint8_t utf8[6], buf[OPAQUE_MAX];
		int len = u8_uctomb(utf8, cp, sizeof(utf8));
		struct bytes out;
		bool ok, want;

		if (len < 0) /* a surrogate */
			continue;
		ok = opaque_prepare(bytes_of(utf8, (size_t)len), buf, sizeof(buf), &out) ==
		     OPAQUE_OK;
		want = has_compat(cp) ||
		       uc_is_general_category_withtable(
			       cp, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N |
					   UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S |
					   UC_CATEGORY_MASK_Zs);
		if (is_special(cp))
			want = false;
		if (ok != want)
			fail_msg("U+%04X: %s", cp, ok ? "accepted" : "refused");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_rfc_8265_are_passwords),
		cmocka_unit_test(the_user_name_of_rfc_8489_stays_and_its_password_is_refused),
		cmocka_unit_test(what_is_allowed_is_brought_to_one_form),
		cmocka_unit_test(what_cannot_be_seen_or_known_is_refused),
		cmocka_unit_test(some_characters_need_the_right_place),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(nul_is_a_control),
		cmocka_unit_test(lengths_are_limited),
		cmocka_unit_test(a_small_buffer_is_not_overrun),
		cmocka_unit_test(every_code_point_has_the_property_of_rfc_8264),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
