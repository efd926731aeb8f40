#include "opaque.h"

#include <stdlib.h>

#include <uninorm.h>
#include <unistr.h>
#include <unictype.h>

#define ZWNJ 0x200c
#define ZWJ  0x200d

/* A string as code points. */
struct points {
	uint32_t at[OPAQUE_MAX];
	size_t len;
};

/* What FreeformClass says of a code point (RFC 8264, section 4.3 and 8). */
enum property {
	VALID,
	CONTEXT, /* valid where a rule of RFC 5892, appendix A, allows it */
	DISALLOWED,
};

struct range {
	uint32_t first, last;
	enum property property;
};

/* RFC 5892, section 2.6, without those that Unicode's own properties make valid anyway. */
static const struct range exceptions[] = {
	{ 0x00b7, 0x00b7, CONTEXT },    /* MIDDLE DOT */
	{ 0x0375, 0x0375, CONTEXT },    /* GREEK LOWER NUMERAL SIGN (KERAIA) */
	{ 0x05f3, 0x05f4, CONTEXT },    /* HEBREW PUNCTUATION GERESH, GERSHAYIM */
	{ 0x0640, 0x0640, DISALLOWED }, /* ARABIC TATWEEL */
	{ 0x0660, 0x0669, CONTEXT },    /* ARABIC-INDIC DIGITS */
	{ 0x06f0, 0x06f9, CONTEXT },    /* EXTENDED ARABIC-INDIC DIGITS */
	{ 0x07fa, 0x07fa, DISALLOWED }, /* NKO LAJANYALAN */
	{ 0x302e, 0x302f, DISALLOWED }, /* HANGUL DOT TONE MARKS */
	{ 0x3031, 0x3035, DISALLOWED }, /* VERTICAL KANA REPEAT MARKS */
	{ 0x303b, 0x303b, DISALLOWED }, /* VERTICAL IDEOGRAPHIC ITERATION MARK */
	{ 0x30fb, 0x30fb, CONTEXT },    /* KATAKANA MIDDLE DOT */
};

/* Hangul_Syllable_Type L, V or T (RFC 5892, section 2.9): the blocks never change. */
static const struct range old_hangul_jamo[] = {
	{ 0x1100, 0x11ff, DISALLOWED },
	{ 0xa960, 0xa97c, DISALLOWED },
	{ 0xd7b0, 0xd7c6, DISALLOWED },
	{ 0xd7cb, 0xd7fb, DISALLOWED },
};

static const struct range *find(const struct range *ranges, size_t count, uint32_t cp)
{
	for (size_t i = 0; i < count; i++) {
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return &ranges[i];
	}
	return NULL;
}

/*
 * In the order of RFC 8264, section 8. HasCompat is not asked for: all that has a
 * compatibility mapping is a letter, mark, number, symbol, punctuation or space anyway.
 */
static enum property property_of(uint32_t cp)
{
	const uint32_t fine = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N |
			      UC_CATEGORY_MASK_P | UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_Zs;
	const struct range *exception = find(exceptions, ARRAY_LEN(exceptions), cp);

	if (exception != NULL)
		return exception->property;
	if (uc_is_property_join_control(cp))
		return CONTEXT;
	if (find(old_hangul_jamo, ARRAY_LEN(old_hangul_jamo), cp) != NULL)
		return DISALLOWED;
	if (uc_is_property_default_ignorable_code_point(cp) || uc_is_property_not_a_character(cp))
		return DISALLOWED;
	return uc_is_general_category_withtable(cp, fine) ? VALID : DISALLOWED;
}

static bool has_script(uint32_t cp, const char *name)
{
	const uc_script_t *script = uc_script(cp);

	return script != NULL && strcmp(script->name, name) == 0;
}

static bool has_within(const struct points *p, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < p->len; i++) {
		if (p->at[i] >= first && p->at[i] <= last)
			return true;
	}
	return false;
}

static bool has_japanese(const struct points *p)
{
	for (size_t i = 0; i < p->len; i++) {
		if (has_script(p->at[i], "Hiragana") || has_script(p->at[i], "Katakana") ||
		    has_script(p->at[i], "Han"))
			return true;
	}
	return false;
}

/* The joining type of the nearest neighbour that is not transparent; U where there is none. */
static int joining_before(const struct points *p, size_t i)
{
	while (i > 0) {
		int type = uc_joining_type(p->at[--i]);

		if (type != UC_JOINING_TYPE_T)
			return type;
	}
	return UC_JOINING_TYPE_U;
}

static int joining_after(const struct points *p, size_t i)
{
	while (++i < p->len) {
		int type = uc_joining_type(p->at[i]);

		if (type != UC_JOINING_TYPE_T)
			return type;
	}
	return UC_JOINING_TYPE_U;
}

/* Appendix A.1 and A.2: behind a virama; ZWNJ also within a cursive connection it breaks. */
static bool may_join(const struct points *p, size_t i)
{
	int before, after;

	if (i > 0 && uc_combining_class(p->at[i - 1]) == UC_CCC_VR)
		return true;
	if (p->at[i] != ZWNJ)
		return false;
	before = joining_before(p, i);
	after = joining_after(p, i);
	return (before == UC_JOINING_TYPE_L || before == UC_JOINING_TYPE_D) &&
	       (after == UC_JOINING_TYPE_R || after == UC_JOINING_TYPE_D);
}

/* The rules of RFC 5892, appendix A, for the code point at `i`. */
static bool context_allows(const struct points *p, size_t i)
{
	/* No rule holds for U+0000, so it may stand for "none". */
	uint32_t before = i > 0 ? p->at[i - 1] : 0;
	uint32_t after = i + 1 < p->len ? p->at[i + 1] : 0;
	uint32_t cp = p->at[i];

	switch (cp) {
	case ZWNJ:
	case ZWJ:
		return may_join(p, i);
	case 0x00b7:
		return before == 'l' && after == 'l';
	case 0x0375:
		return has_script(after, "Greek");
	case 0x05f3:
	case 0x05f4:
		return has_script(before, "Hebrew");
	case 0x30fb:
		return has_japanese(p);
	default: /* the two kinds of Arabic digits do not mix */
		return cp < 0x06f0 ? !has_within(p, 0x06f0, 0x06f9)
				   : !has_within(p, 0x0660, 0x0669);
	}
}

static bool is_freeform(const struct points *p)
{
	for (size_t i = 0; i < p->len; i++) {
		enum property property = property_of(p->at[i]);

		if (property == DISALLOWED || (property == CONTEXT && !context_allows(p, i)))
			return false;
	}
	return true;
}

static bool decode(struct bytes in, struct points *out)
{
	out->len = 0;
	while (in.len > 0) {
		ucs4_t cp;
		int used = u8_mbtoucr(&cp, in.data, in.len);

		if (used <= 0 || out->len == OPAQUE_MAX)
			return false;
		out->at[out->len++] = cp;
		in = bytes_of(in.data + used, in.len - (size_t)used);
	}
	return true;
}

static enum opaque_result encode(const struct points *p, struct wire_out *out)
{
	for (size_t i = 0; i < p->len; i++) {
		uint8_t utf8[4];
		int len = u8_uctomb(utf8, p->at[i], sizeof(utf8));

		wire_put_mem(out, utf8, len > 0 ? (size_t)len : 0);
		explicit_bzero(utf8, sizeof(utf8));
	}
	if (out->failed || out->len > OPAQUE_MAX)
		return OPAQUE_TOO_LONG;
	return OPAQUE_OK;
}

/* All spaces are U+0020 from here on (rule 2 of section 4.2.2). */
static void map_spaces(struct points *p)
{
	for (size_t i = 0; i < p->len; i++) {
		if (uc_is_general_category_withtable(p->at[i], UC_CATEGORY_MASK_Zs))
			p->at[i] = ' ';
	}
}

static bool normalize(const struct points *in, struct points *out)
{
	uint32_t *result;

	out->len = OPAQUE_MAX;
	result = u32_normalize(UNINORM_NFC, in->at, in->len, out->at, &out->len);
	if (result == NULL)
		return false;
	if (result == out->at)
		return true;
	/* It did not fit, and is on the heap. */
	explicit_bzero(result, out->len * sizeof(*result));
	free(result);
	return false;
}

/*
 * The class is checked before the rules, as the profile demands, and after them: U+0387
 * becomes a middle dot only then. That makes the outcome stable as well.
 */
static enum opaque_result enforce(struct points *given, struct points *normal, struct wire_out *out)
{
	if (!is_freeform(given))
		return OPAQUE_DISALLOWED;
	map_spaces(given);
	if (!normalize(given, normal))
		return OPAQUE_TOO_LONG;
	if (!is_freeform(normal))
		return OPAQUE_DISALLOWED;
	return encode(normal, out);
}

static bool is_plain_ascii(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] < ' ' || in.data[i] > '~')
			return false;
	}
	return true;
}

enum opaque_result opaque_prepare(struct bytes in, void *buf, size_t cap, struct bytes *out)
{
	struct wire_out w = wire_write(buf, cap);
	struct points given, normal;
	enum opaque_result result;

	if (in.len == 0)
		return OPAQUE_EMPTY;
	if (in.len > OPAQUE_MAX)
		return OPAQUE_TOO_LONG;
	if (is_plain_ascii(in)) {
		wire_put_mem(&w, in.data, in.len);
		result = w.failed ? OPAQUE_TOO_LONG : OPAQUE_OK;
	} else {
		result = decode(in, &given) ? enforce(&given, &normal, &w) : OPAQUE_NOT_UTF8;
		explicit_bzero(&given, sizeof(given));
		explicit_bzero(&normal, sizeof(normal));
	}
	if (result == OPAQUE_OK)
		*out = wire_written(&w);
	return result;
}

const char *opaque_why(enum opaque_result result)
{
	switch (result) {
	case OPAQUE_OK:
		return "nothing is wrong";
	case OPAQUE_EMPTY:
		return "it is empty";
	case OPAQUE_TOO_LONG:
		return "it is longer than 763 bytes";
	case OPAQUE_NOT_UTF8:
		return "it is not UTF-8";
	case OPAQUE_DISALLOWED:
		return "it holds a control, invisible or unknown character";
	}
	return "something is wrong";
}
