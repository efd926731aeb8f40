#include "upnp_igd.h"

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "upnp_gateway.h"

#define DESCRIPTION "natprobe"
#define PORTS_TRIED 8 /* where the wanted one is somebody else's */
#define PORT_STEP   1009
#define PORT_LOWEST 1024
#define URL_MAX     256
#define ENDS_MAX_S  604800 /* IGD 2, section 2.3.21 */
#define PINHOLE_S   86400  /* IGD 2, WANIPv6FirewallControl: at most */

/* UPnP's codes (WANIPConnection:2, section 2.5.24; WANIPv6FirewallControl:1, section 2.8) */
enum upnp_code {
	UPNP_NO_SUCH_ENTRY = 714,
	UPNP_CONFLICT = 718,
	UPNP_SAME_PORT = 724,
	UPNP_ONLY_PERMANENT = 725,
	UPNP_CONFLICT_MECHANISM = 729,
	UPNP_NO_SUCH_PINHOLE = 704,
};

struct igd {
	const struct UPNPUrls *urls;
	const struct IGDdatas *data;
	const struct lease_upnp *what;
	char client[ADDR_TEXT_MAX];
	char internal_port[8];
	const char *protocol;
	char firewall[URL_MAX]; /* where pinholes are asked for */
};

enum found {
	FOUND_NOTHING, /* nobody has that port */
	FOUND_OURS,
	FOUND_OTHER,   /* it leads elsewhere */
	FOUND_UNKNOWN, /* the device does not say */
};

static uint32_t number_of(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	return end == text || n > UINT32_MAX ? 0 : (uint32_t)n;
}

/* An entry of the table; lifetime_s is set where it is ours. */
static enum found look(const struct igd *d, uint16_t port, uint32_t *lifetime_s)
{
	char external[8], client[64] = "", internal[16] = "", description[96] = "";
	char enabled[16] = "", lease[32] = "";
	int rc;

	(void)snprintf(external, sizeof(external), "%u", port);
	rc = UPNP_GetSpecificPortMappingEntry(d->urls->controlURL, d->data->first.servicetype,
					      external, d->protocol, NULL, client, internal,
					      description, enabled, lease);
	if (rc == UPNP_NO_SUCH_ENTRY)
		return FOUND_NOTHING;
	if (rc != UPNPCOMMAND_SUCCESS)
		return FOUND_UNKNOWN;
	*lifetime_s = number_of(lease);
	return strcmp(client, d->client) == 0 && strcmp(internal, d->internal_port) == 0
		       ? FOUND_OURS
		       : FOUND_OTHER;
}

static int add(const struct igd *d, uint16_t port, uint32_t lifetime_s)
{
	char external[8], lease[16];

	(void)snprintf(external, sizeof(external), "%u", port);
	(void)snprintf(lease, sizeof(lease), "%u", lifetime_s);
	return UPNP_AddPortMapping(d->urls->controlURL, d->data->first.servicetype, external,
				   d->internal_port, d->client, DESCRIPTION, d->protocol, NULL,
				   lease);
}

static void set_failed(struct lease_upnp_result *out, enum lease_answer answer, int code)
{
	*out = (struct lease_upnp_result){ .answer = (uint8_t)answer,
					   .code = code > 0 ? (uint16_t)code : 0 };
}

static void set_granted(const struct igd *d, uint16_t port, uint32_t lifetime_s,
			struct lease_upnp_result *out)
{
	struct addr external = upnp_gateway_external(d->urls, d->data);

	external.port = port;
	*out = (struct lease_upnp_result){
		.answer = LEASE_GRANTED,
		.grant = { .by = LEASE_UPNP, .external = external, .lifetime_s = lifetime_s },
	};
}

/* Adds it under that port, and looks whether it is there. */
static void try_port(const struct igd *d, uint16_t port, struct lease_upnp_result *out)
{
	uint32_t asked_s = d->what->lifetime_s < ENDS_MAX_S ? d->what->lifetime_s : ENDS_MAX_S;
	uint32_t left_s = 0;
	enum found found = look(d, port, &left_s);
	int rc;

	if (found == FOUND_OTHER) {
		set_failed(out, LEASE_TAKEN, UPNP_CONFLICT);
		return;
	}
	rc = add(d, port, asked_s);
	if (rc == UPNP_ONLY_PERMANENT) {
		asked_s = 0;
		rc = add(d, port, 0);
	}
	found = look(d, port, &left_s);
	if (found == FOUND_OURS)
		set_granted(d, port, left_s, out);
	else if (found == FOUND_OTHER || rc == UPNP_CONFLICT || rc == UPNP_CONFLICT_MECHANISM)
		set_failed(out, LEASE_TAKEN, rc);
	else if (rc != UPNPCOMMAND_SUCCESS)
		set_failed(out, LEASE_DENIED, rc);
	else if (found == FOUND_UNKNOWN)
		set_granted(d, port, asked_s, out);
	else
		set_failed(out, LEASE_UNCONFIRMED, 0);
}

static void add_mapping(const struct igd *d, struct lease_upnp_result *out)
{
	uint16_t port = d->what->external_port;

	for (int i = 0; i < PORTS_TRIED; i++) {
		try_port(d, port, out);
		if (out->code == UPNP_SAME_PORT && port != d->what->internal.port)
			port = d->what->internal.port;
		else if (out->answer == LEASE_TAKEN)
			port = (uint16_t)(port + PORT_STEP);
		else
			return;
		if (d->what->external_only)
			return;
		if (port < PORT_LOWEST)
			port += PORT_LOWEST;
	}
}

static void remove_mapping(const struct igd *d, struct lease_upnp_result *out)
{
	char external[8];
	uint32_t left_s;
	enum found found = look(d, d->what->external_port, &left_s);
	int rc;

	out->answer = LEASE_GRANTED;
	if (found == FOUND_NOTHING)
		return;
	if (found == FOUND_OTHER) {
		set_failed(out, LEASE_TAKEN, 0);
		return;
	}
	(void)snprintf(external, sizeof(external), "%u", d->what->external_port);
	rc = UPNP_DeletePortMapping(d->urls->controlURL, d->data->first.servicetype, external,
				    d->protocol, NULL);
	found = look(d, d->what->external_port, &left_s);
	if (found == FOUND_OURS || (found == FOUND_UNKNOWN && rc != UPNPCOMMAND_SUCCESS))
		set_failed(out, rc != UPNPCOMMAND_SUCCESS ? LEASE_DENIED : LEASE_UNCONFIRMED, rc);
}

/* Whether a pinhole is there: a device that has none of that number says so. */
static bool has_pinhole(const struct igd *d, const char *id)
{
	int packets = 0;

	return UPNP_GetPinholePackets(d->firewall, d->data->IPv6FC.servicetype, id, &packets) !=
	       UPNP_NO_SUCH_PINHOLE;
}

static int make_pinhole(const struct igd *d, const char *lease, char id[8])
{
	char protocol[4];

	if (d->what->pinhole != 0) {
		(void)snprintf(id, 8, "%u", d->what->pinhole);
		if (UPNP_UpdatePinhole(d->firewall, d->data->IPv6FC.servicetype, id, lease) ==
		    UPNPCOMMAND_SUCCESS)
			return UPNPCOMMAND_SUCCESS;
	}
	(void)snprintf(protocol, sizeof(protocol), "%u", d->what->transport);
	return UPNP_AddPinhole(d->firewall, d->data->IPv6FC.servicetype, "empty", "0", d->client,
			       d->internal_port, protocol, lease, id);
}

static void add_pinhole(const struct igd *d, struct lease_upnp_result *out)
{
	uint32_t asked_s = d->what->lifetime_s < PINHOLE_S ? d->what->lifetime_s : PINHOLE_S;
	char lease[16], id[8] = "";
	int rc;

	/* A firewall changes no port. */
	if (d->what->external_only && d->what->external_port != d->what->internal.port) {
		set_failed(out, LEASE_OTHER_PORT, 0);
		return;
	}
	(void)snprintf(lease, sizeof(lease), "%u", asked_s);
	rc = make_pinhole(d, lease, id);
	if (rc != UPNPCOMMAND_SUCCESS) {
		set_failed(out, LEASE_DENIED, rc);
		return;
	}
	if (!has_pinhole(d, id)) {
		set_failed(out, LEASE_UNCONFIRMED, 0);
		return;
	}
	*out = (struct lease_upnp_result){
		.answer = LEASE_GRANTED,
		.grant = { .by = LEASE_UPNP,
			   .external = d->what->internal,
			   .lifetime_s = asked_s,
			   .pinhole = (uint16_t)number_of(id) },
	};
}

static void remove_pinhole(const struct igd *d, struct lease_upnp_result *out)
{
	char id[8];
	int rc;

	(void)snprintf(id, sizeof(id), "%u", d->what->pinhole);
	rc = UPNP_DeletePinhole(d->firewall, d->data->IPv6FC.servicetype, id);
	if (rc == UPNPCOMMAND_SUCCESS || rc == UPNP_NO_SUCH_PINHOLE)
		out->answer = LEASE_GRANTED;
	else
		set_failed(out, LEASE_DENIED, rc);
}

/*
 * A pinhole is for who asks for it (WANIPv6FirewallControl:1, section 2.5.3), so it has to be asked
 * for over IPv6, although the gateway was found over IPv4.
 */
static void find_firewall(struct igd *d)
{
	const struct probe_source any = { .local = { .family = ADDR_IPV6 } };
	const char *path = strstr(d->urls->controlURL_6FC, "://");
	const char *port = path != NULL ? strchr(path + 3, ':') : NULL;
	char text[ADDR_TEXT_MAX];
	struct addr to = d->what->gateway;

	path = path != NULL ? strchr(path + 3, '/') : NULL;
	(void)snprintf(d->firewall, sizeof(d->firewall), "%s", d->urls->controlURL_6FC);
	if (path == NULL || to.family != ADDR_IPV6)
		return;
	to.port = port != NULL && port < path ? (uint16_t)number_of(port + 1) : 80;
	if (upnp_can_connect(&any, &to))
		(void)snprintf(d->firewall, sizeof(d->firewall), "http://[%s]:%u%s",
			       addr_print_ip(&to, text), to.port, path);
}

static void do_pinhole(struct igd *d, struct lease_upnp_result *out)
{
	if (d->urls->controlURL_6FC == NULL || d->data->IPv6FC.servicetype[0] == '\0') {
		out->answer = LEASE_ABSENT;
		return;
	}
	find_firewall(d);
	(d->what->op == LEASE_UPNP_ADD ? add_pinhole : remove_pinhole)(d, out);
}

void upnp_igd_do(const struct UPNPUrls *urls, const struct IGDdatas *data,
		 const struct lease_upnp *what, struct lease_upnp_result *out)
{
	struct igd d = { .urls = urls, .data = data, .what = what };

	*out = (struct lease_upnp_result){ 0 };
	addr_print_ip(&what->internal, d.client);
	(void)snprintf(d.internal_port, sizeof(d.internal_port), "%u", what->internal.port);
	d.protocol = what->transport == PORTMAP_TCP ? "TCP" : "UDP";
	if (what->internal.family == ADDR_IPV6)
		do_pinhole(&d, out);
	else
		(what->op == LEASE_UPNP_ADD ? add_mapping : remove_mapping)(&d, out);
}

/* What a device calls things is shown to people. */
static void copy_printable(char *to, size_t cap, const char *from)
{
	size_t n = 0;

	for (; *from != '\0' && n + 1 < cap; from++)
		to[n++] = *from >= ' ' && *from <= '~' ? *from : '?';
	to[n] = '\0';
}

static bool tell_entry(const struct UPNPUrls *urls, const struct IGDdatas *data, size_t index,
		       struct upnp_entry *e)
{
	char place[16], external[8] = "", client[64] = "", internal[16] = "", protocol[8] = "";
	char description[96] = "", enabled[16] = "", remote[80] = "", lease[32] = "";
	uint32_t port;

	(void)snprintf(place, sizeof(place), "%zu", index);
	if (UPNP_GetGenericPortMappingEntry(urls->controlURL, data->first.servicetype, place,
					    external, client, internal, protocol, description,
					    enabled, remote, lease) != UPNPCOMMAND_SUCCESS)
		return false;
	*e = (struct upnp_entry){ .transport = protocol[0] == 'T' ? PORTMAP_TCP : PORTMAP_UDP,
				  .lifetime_s = number_of(lease),
				  .is_enabled = strcmp(enabled, "0") != 0 };
	port = number_of(external);
	e->external_port = port <= UINT16_MAX ? (uint16_t)port : 0;
	port = number_of(internal);
	(void)addr_parse_ip(client, port <= UINT16_MAX ? (uint16_t)port : 0, &e->internal);
	copy_printable(e->description, sizeof(e->description), description);
	return true;
}

void upnp_igd_tell(const struct UPNPUrls *urls, const struct IGDdatas *data, struct upnp_table *out)
{
	out->answer = LEASE_GRANTED;
	out->external = upnp_gateway_external(urls, data);
	while (out->count < UPNP_ENTRIES_MAX &&
	       tell_entry(urls, data, out->count, &out->entries[out->count]))
		out->count++;
}
