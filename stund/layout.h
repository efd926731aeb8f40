/*
 * layout - which sockets stund opens, and what they look like from outside.
 *
 * A listen address with an alternate becomes a full site, two addresses by two ports
 * (RFC 5780); one without becomes a site of one socket. Where there is a certificate, each
 * address gets a second site on the TLS ports. Pure: nothing is opened here.
 */
#ifndef NATKIT_LAYOUT_H
#define NATKIT_LAYOUT_H

#include "stun_server.h"
#include "stund_conf.h"

#define LAYOUT_SITES_MAX   64
#define LAYOUT_SOCKETS_MAX (LAYOUT_SITES_MAX * STUN_SITE_SOCKETS)

struct layout_site {
	struct stun_site site;
	struct addr local[STUN_SITE_SOCKETS]; /* to bind, where site.has */
	uint16_t first_socket;                /* in struct layout: those of a site are adjacent */
	bool any;                             /* the wildcard address: where was it sent to? */
	bool tls_ports;
	bool partnered; /* its second address is the partner's: two ports here */
};

struct layout_socket {
	struct addr local;
	uint16_t site;
	uint8_t number; /* in its site */
};

struct layout {
	struct layout_site sites[LAYOUT_SITES_MAX];
	struct layout_socket sockets[LAYOUT_SOCKETS_MAX];
	uint16_t site_count, socket_count;
};

/* Returns false with *err set where the addresses of `conf` do not fit together. */
bool layout_make(const struct stund_conf *conf, struct layout *out, struct opt_error *err);

/* The socket bound to an address and port, the wildcard included; NULL: none. */
const struct layout_socket *layout_find(const struct layout *l, const struct addr *local);

/* There is any site of that family. */
bool layout_has_family(const struct layout *l, enum addr_family family);

/* There is a full site of that family on the plain ports. */
bool layout_has_full_site(const struct layout *l, enum addr_family family);

/* There is a site of that family that becomes a full one with the partner. */
bool layout_has_partner(const struct layout *l, enum addr_family family);

/*
 * The address that we talk to the partner from: the first of its family. NULL: there is none, or
 * no partner.
 */
const struct addr *layout_partner_local(const struct stund_conf *conf);

/* Both the partner and we have addresses that are known. */
bool layout_check_partner(const struct stund_conf *conf, struct opt_error *err);

/* A value of `public`: LOCAL=PUBLIC, two addresses of one family. For its row. */
bool layout_check_mapping(const char *text, struct opt_error *err);

#endif
