#include "sockaddr.h"

#include <netinet/in.h>
#include <string.h>

socklen_t sockaddr_from_addr(const struct addr *a, struct sockaddr_storage *out)
{
	/* Only the part in use is cleared: this runs once per packet. */
	if (a->family == ADDR_IPV4) {
		struct sockaddr_in *in4 = (struct sockaddr_in *)out;

		memset(in4, 0, sizeof(*in4));
		in4->sin_family = AF_INET;
		in4->sin_port = htons(a->port);
		memcpy(&in4->sin_addr, a->ip, 4);
		return sizeof(*in4);
	}
	if (a->family == ADDR_IPV6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

		memset(in6, 0, sizeof(*in6));
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		in6->sin6_scope_id = a->scope;
		memcpy(&in6->sin6_addr, a->ip, 16);
		return sizeof(*in6);
	}
	return 0;
}

bool sockaddr_to_addr(const struct sockaddr *sa, struct addr *out)
{
	struct addr a = { 0 };

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in4 = (const struct sockaddr_in *)sa;

		a.family = ADDR_IPV4;
		a.port = ntohs(in4->sin_port);
		memcpy(a.ip, &in4->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

		a.family = ADDR_IPV6;
		a.port = ntohs(in6->sin6_port);
		memcpy(a.ip, &in6->sin6_addr, 16);
		if (addr_is_link_local(&a))
			a.scope = in6->sin6_scope_id;
		a = addr_unmap(&a);
	} else {
		return false;
	}
	*out = a;
	return true;
}
