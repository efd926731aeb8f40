#include "geo.h"

#include <maxminddb.h>
#include <stdlib.h>

#include "utf8.h"

struct geo {
	MMDB_s files[GEO_FILES_MAX];
	size_t count;
};

struct geo *geo_new(void)
{
	return calloc(1, sizeof(struct geo));
}

void geo_free(struct geo *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->count; i++)
		MMDB_close(&g->files[i]);
	free(g);
}

bool geo_add(struct geo *g, const char *path, const char **why)
{
	int status;

	if (g->count == GEO_FILES_MAX) {
		*why = "more databases than there is room for";
		return false;
	}
	status = MMDB_open(path, MMDB_MODE_MMAP, &g->files[g->count]);
	if (status != MMDB_SUCCESS) {
		*why = status == MMDB_FILE_OPEN_ERROR ? "it cannot be read"
						      : "it is no database in MaxMind's format";
		return false;
	}
	g->count++;
	return true;
}

/* C0, DEL and C1, which a terminal might obey. */
static bool is_control(struct bytes c)
{
	return c.data[0] < 0x20 || c.data[0] == 0x7f || (c.data[0] == 0xc2 && c.data[1] < 0xa0);
}

/* Copies as many whole characters as there is room for; what is none becomes "?". */
static void copy_text(struct bytes in, char *out, size_t cap)
{
	size_t at = 0;

	while (in.len > 0) {
		size_t len = utf8_len(in);
		size_t step = len > 0 ? len : 1;
		bool is_fine = len > 0 && !is_control(in);

		if (at + (is_fine ? len : 1) >= cap)
			break;
		if (is_fine) {
			memcpy(out + at, in.data, len);
			at += len;
		} else {
			out[at++] = '?';
		}
		in = bytes_of(in.data + step, in.len - step);
	}
	out[at] = '\0';
}

static bool is_country(struct bytes text)
{
	return text.len == 2 && text.data[0] >= 'A' && text.data[0] <= 'Z' && text.data[1] >= 'A' &&
	       text.data[1] <= 'Z';
}

/* The value at a path of keys, where it has that type. */
static bool get(MMDB_entry_s *entry, uint32_t type, const char *const *path, MMDB_entry_data_s *out)
{
	return MMDB_aget_value(entry, out, path) == MMDB_SUCCESS && out->has_data &&
	       out->type == type;
}

static void read_entry(MMDB_entry_s *entry, struct geo_answer *out)
{
	static const char *const country[] = { "country", "iso_code", NULL };
	static const char *const asn[] = { "autonomous_system_number", NULL };
	static const char *const organisation[] = { "autonomous_system_organization", NULL };
	MMDB_entry_data_s value;

	if (out->country[0] == '\0' && get(entry, MMDB_DATA_TYPE_UTF8_STRING, country, &value) &&
	    is_country(bytes_of(value.utf8_string, value.data_size)))
		memcpy(out->country, value.utf8_string, 2);
	if (out->asn == 0 && get(entry, MMDB_DATA_TYPE_UINT32, asn, &value))
		out->asn = value.uint32;
	if (out->organisation[0] == '\0' &&
	    get(entry, MMDB_DATA_TYPE_UTF8_STRING, organisation, &value))
		copy_text(bytes_of(value.utf8_string, value.data_size), out->organisation,
			  sizeof(out->organisation));
}

union name {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static bool make_name(const struct addr *a, union name *out)
{
	*out = (union name){ 0 };
	if (a->family == ADDR_IPV4) {
		out->in4.sin_family = AF_INET;
		memcpy(&out->in4.sin_addr, a->ip, 4);
	} else if (a->family == ADDR_IPV6) {
		out->in6.sin6_family = AF_INET6;
		memcpy(&out->in6.sin6_addr, a->ip, 16);
	}
	return a->family != ADDR_NONE;
}

void geo_find(const struct geo *g, const struct addr *a, struct geo_answer *out)
{
	union name name;

	*out = (struct geo_answer){ 0 };
	if (!make_name(a, &name))
		return;
	for (size_t i = 0; i < g->count; i++) {
		int error = MMDB_SUCCESS;
		MMDB_lookup_result_s found = MMDB_lookup_sockaddr(&g->files[i], &name.any, &error);

		if (error == MMDB_SUCCESS && found.found_entry)
			read_entry(&found.entry, out);
	}
}
