#include "nat_profile.h"

#include <string.h>

/* Addresses of the plan. */
#define IP4(a, b, c, d)                                   \
	{                                                 \
		.family = ADDR_IPV4, .ip = { a, b, c, d } \
	}
#define IP6(a, b, c, d, low)                                          \
	{                                                             \
		.family = ADDR_IPV6, .ip = { a, b, c, d, [15] = low } \
	}

#define PUBLIC_NET    IP4(22, 0, 0, 1) /* gateways: the host is the next address */
#define PUBLIC_NET6   IP6(0x2a, 0x10, 0, 0x22, 1)
#define HOME_NET      IP4(192, 168, 1, 1)
#define OUTER_NET     IP4(10, 0, 0, 1) /* between two boxes of one home */
#define OUTER_BOX     IP4(10, 0, 0, 2)
#define SHARED_NET    IP4(100, 64, 0, 1) /* RFC 6598: behind a CGN */
#define SHARED_BOX    IP4(100, 64, 0, 2)
#define WAN           IP4(21, 0, 0, 2)
#define WAN_NEXT      IP4(21, 0, 0, 3)
#define WAN_OTHER     IP4(23, 0, 0, 2) /* of another provider */
#define WAN6          IP6(0x2a, 0x10, 0, 0x21, 2)
#define NAT64_PREFIX  IP6(0, 0x64, 0xff, 0x9b, 0)
#define AFTR_NET      IP4(192, 0, 0, 1) /* RFC 6333: a DS-Lite carrier's end of the tunnel */
#define CLAT_NET      IP4(192, 0, 0, 3) /* RFC 7335: the host is 192.0.0.4 */
#define LOCAL_NET6    IP6(0xfd, 0x10, 0, 0x22, 1)
#define LOCAL_PREFIX6 IP6(0xfd, 0x10, 0, 0x22, 0)
#define WAN_PREFIX6   IP6(0x2a, 0x10, 0, 0x23, 0)

/* Truth: lines of natprobe/expect.h. */
#define EI  "endpoint-independent"
#define AD  "address-dependent"
#define APD "address-and-port-dependent"
#define PD  "port-dependent"

#define LINE(name, value) name " = " value "\n"

#define TRANSLATES(mapping, filtering) \
	LINE("nat", "yes")             \
	LINE("firewall", "no")         \
	LINE("udp-blocked", "no")      \
	LINE("mapping", mapping) LINE("mapping.tcp", mapping) LINE("filtering", filtering)
#define UNTRANSLATED(filtering, firewall)                                   \
	LINE("nat", "no")                                                   \
	LINE("firewall", firewall)                                          \
	LINE("udp-blocked", "no")                                           \
	LINE("mapping", "none")                                             \
	LINE("mapping.tcp", "none")                                         \
	LINE("filtering", filtering)                                        \
	PORTS("not-applicable", "none", "not-applicable", "not-applicable") \
	POOLING("not-applicable") HAIRPIN("not-applicable")
/* Nothing of UDP is known but that it is blocked; what TCP tells is told. */
#define BLOCKED(how, firewall)       \
	LINE("nat", "yes")           \
	LINE("firewall", firewall)   \
	LINE("udp-blocked", how)     \
	LINE("mapping", "unknown")   \
	LINE("mapping.tcp", EI)      \
	LINE("filtering", "unknown") \
	PORTS("unknown", "unknown", "unknown", "unknown") POOLING("unknown") HAIRPIN("unknown")
#define PORTS(type, value, parity, contiguity) \
	LINE("delta.type", type)               \
	LINE("delta.value", value) LINE("parity", parity) LINE("contiguity", contiguity)
#define EQUAL_PORTS   PORTS("equal", "none", "yes", "yes") LINE("delta.preserved", "100%")
#define RANDOM_PORTS  PORTS("random", "none", "no", "no")
#define POOLING(how)  LINE("pooling", how)
#define HAIRPIN(kind) LINE("hairpin", kind)
#define GATEWAY(pcp, nat_pmp, cgn) \
	LINE("nat64", "no") LINE("pcp", pcp) LINE("nat-pmp", nat_pmp) LINE("cgn", cgn)
#define SILENT_GATEWAY GATEWAY("no", "no", "unknown")
#define STEADY         LINE("rate-limit", "no")
#define LIFETIME(s)    "# lifetime = " s "\n"

const struct nat_profile nat_profiles[] = {
#include "nat_profile_basic.inc"
#include "nat_profile_ports.inc"
#include "nat_profile_carrier.inc"
#include "nat_profile_special.inc"
#include "nat_profile_kernel.inc"
#include "nat_profile_deep.inc"
};

const size_t nat_profile_count = ARRAY_LEN(nat_profiles);

/* Shorter names of some. */
static const char *full_name(const char *word)
{
	return strcmp(word, "cgn-block") == 0 ? "cgn-block-512" : word;
}

const struct nat_profile *nat_profile_find(const char *word)
{
	word = full_name(word);
	for (size_t i = 0; i < nat_profile_count; i++) {
		const struct nat_profile *p = &nat_profiles[i];

		if (strcmp(p->id, word) == 0 || strcmp(p->name, word) == 0)
			return p;
	}
	return NULL;
}
