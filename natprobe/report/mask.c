#include "mask.h"

#include <stdio.h>
#include <string.h>

#include "wire.h"

static bool is_everybodys(const struct addr *a)
{
	static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

	if (a->family == ADDR_IPV6)
		return addr_is_loopback(a) || addr_is_any(a) ||
		       memcmp(a->ip, nat64, sizeof(nat64)) == 0;
	return addr_is_private(a) || addr_is_loopback(a) || addr_is_link_local(a) || addr_is_any(a);
}

static struct addr mask_of(uint8_t family, unsigned number)
{
	struct addr a = { .family = family };

	if (family == ADDR_IPV4)
		return addr_ipv4(192, 0, 2, (uint8_t)number, 0);
	memcpy(a.ip, (const uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8 }, 4);
	a.ip[15] = (uint8_t)number;
	return a;
}

/* The number of an address among those of its family, from 1. */
static unsigned number_of(struct mask *m, const struct addr *a)
{
	unsigned number = 0;

	for (size_t i = 0; i < m->count; i++) {
		if (m->real[i].family != a->family)
			continue;
		number++;
		if (addr_equal_ip(&m->real[i], a))
			return number;
	}
	if (number == MASKS_MAX)
		return number;
	m->real[m->count++] = *a;
	return number + 1;
}

void mask_addr(struct mask *m, struct addr *a)
{
	struct addr masked;

	if (a->family == ADDR_NONE || is_everybodys(a))
		return;
	masked = mask_of(a->family, number_of(m, a));
	masked.port = a->port;
	*a = masked;
}

void mask_uri(struct mask *m, struct stun_uri *uri)
{
	char text[ADDR_TEXT_MAX];

	if (uri->ip.family == ADDR_NONE)
		return;
	mask_addr(m, &uri->ip);
	snprintf(uri->host, sizeof(uri->host), "%s", addr_print_ip(&uri->ip, text));
}

const char *mask_name(struct mask *m, const char *name, char buf[static STUN_URI_TEXT_MAX])
{
	struct stun_uri uri;
	const char *why;

	if (name == NULL || !stun_uri_parse(bytes_of_str(name), &uri, &why) ||
	    uri.ip.family == ADDR_NONE)
		return name;
	mask_uri(m, &uri);
	return stun_uri_print(&uri, buf);
}
