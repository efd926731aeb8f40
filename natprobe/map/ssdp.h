/*
 * ssdp - finds UPnP gateways (UPnP Device Architecture 1.1, section 1.3): a question to a group
 * or to one host, and where the answer says that its description is. Pure.
 */
#ifndef NATPROBE_SSDP_H
#define NATPROBE_SSDP_H

#include "addr.h"
#include "wire.h"

#define SSDP_PORT        1900
#define SSDP_REQUEST_MAX 256
#define SSDP_URL_MAX     256
#define SSDP_ANSWER_MAX  2048

/* Everybody on the link: 239.255.255.250, port 1900. */
struct addr ssdp_group(void);

/*
 * A question for Internet gateway devices, of version 1 and, since they answer to that too, of
 * later ones.
 * to  the group, or a host of IPv4
 * Returns its length.
 */
size_t ssdp_search(const struct addr *to, char buf[static SSDP_REQUEST_MAX]);

/*
 * Reads an answer to that question.
 * url  set to where the description is: http://, printable ASCII without blanks
 * Returns false, url untouched, for any other datagram.
 */
bool ssdp_answer(struct bytes datagram, char url[static SSDP_URL_MAX]);

#endif
