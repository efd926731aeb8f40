/*
 * policy - may this allocation reach that peer? The one place where this is decided.
 *
 * CreatePermission, ChannelBind, Send, Connect and data that comes in all ask here. An address is
 * judged together with every IPv4 address that it may hide: all of them have to pass.
 *
 *   1. turnd's own endpoints (what it listens on, its database) are denied, whatever the lists say.
 *   2. A deny that is the longest prefix, or as long as the longest allow, denies.
 *   3. On turnd's own relay addresses those ports are allowed that a relay socket has right now,
 *      and no others.
 *   4. Special-purpose addresses are denied, unless an allow names that prefix or a narrower one.
 *   5. An allow allows.
 *   6. Country and network decide, where lists of them are given.
 *   7. What is left is allowed.
 *
 * Rules are gathered in a policy_rules; a policy is made of it once, does not change any more, and
 * may be asked by all threads. Asking allocates nothing and takes no lock.
 */
#ifndef NATKIT_TURND_POLICY_H
#define NATKIT_TURND_POLICY_H

#include "addr.h"
#include "addr_special.h"
#include "geo.h"

enum policy_verdict {
	POLICY_ALLOWED = 0,
	POLICY_NO_ADDRESS, /* of no family that there is */
	POLICY_OWN,        /* an endpoint of turnd itself */
	POLICY_RULE,       /* a deny of the configuration */
	POLICY_RELAY_PORT, /* a relay address of turnd, and a port that no relay socket has */
	POLICY_SPECIAL,    /* special-purpose, plain or in disguise */
	POLICY_COUNTRY,
	POLICY_NETWORK,
};

#define POLICY_VERDICTS 8

enum policy_list {
	POLICY_ALLOW,
	POLICY_DENY,
};

/* Most translator prefixes that may be named. */
#define POLICY_NAT64_MAX 8

/* What a log line can say beside the verdict. */
struct policy_why {
	struct addr addr;            /* which address was denied: the peer, or one that it hides */
	enum addr_disguise disguise; /* how it is hidden; ADDR_PLAIN: it is the peer itself */
	const struct addr_special *special; /* for POLICY_SPECIAL, else NULL */
};

/* Tells which ports of turnd's relay addresses are in use at this moment, by any worker. */
struct policy_live {
	bool (*is_live)(void *arg, const struct addr *relay);
	void *arg;
};

struct policy_rules;

/*
 * An empty set of rules: all that is not special is allowed.
 * deny_special  false for clients rather than peers: they may well be on a private network
 * NULL when memory runs out.
 */
struct policy_rules *policy_rules_new(bool deny_special);
void policy_rules_free(struct policy_rules *r); /* NULL is fine */

/*
 * These take one line of the configuration each. They return false, and set `why` to half a
 * sentence, for what does not read and when memory runs out; then nothing was added.
 *   prefix   "10.0.0.0/8", "2001:db8::/32", or one address
 *   country  two letters, ISO 3166: "DE"
 *   network  the number of an autonomous system: "AS64500", "64500"
 */
bool policy_rules_add(struct policy_rules *r, enum policy_list list, const char *prefix,
		      const char **why);
bool policy_rules_add_country(struct policy_rules *r, enum policy_list list, const char *country,
			      const char **why);
bool policy_rules_add_network(struct policy_rules *r, enum policy_list list, const char *network,
			      const char **why);

/*
 * The prefix of a translator in reach of turnd (RFC 6052), such as "2001:db8:64::/96": addresses
 * in it are judged by the IPv4 address that it leads to as well. In 64:ff9b:1::/48 it also settles
 * how long the prefix is, so that no other reading counts.
 */
bool policy_rules_add_nat64(struct policy_rules *r, const char *prefix, const char **why);

/*
 * An endpoint that no peer may be: a listening, admin, metrics or database address; port 0 stands
 * for all ports. Wildcard addresses are refused: name those of the interfaces.
 */
bool policy_rules_add_own(struct policy_rules *r, const struct addr *endpoint, const char **why);

/* A relay address of turnd, whatever its port: the local one, and the public one in front of it. */
bool policy_rules_add_relay(struct policy_rules *r, const struct addr *relay, const char **why);

struct policy;

/*
 * geo  is borrowed and has to outlive the policy; NULL: no database
 * Returns NULL, `why` set, when memory runs out, and for rules about countries or networks without
 * a database, since they would deny nobody.
 */
struct policy *policy_new(const struct policy_rules *r, const struct geo *geo, const char **why);
void policy_free(struct policy *p); /* NULL is fine */

/*
 * Judges a peer with its port: ChannelBind, Send, Connect, and what comes in.
 * live  NULL: no relay port is in use
 * why   set unless the verdict is POLICY_ALLOWED; NULL is fine
 */
enum policy_verdict policy_judge(const struct policy *p, const struct addr *peer,
				 const struct policy_live *live, struct policy_why *why);

/*
 * Judges the address alone, for CreatePermission, which has no port: false hope is possible,
 * policy_judge has the last word.
 */
enum policy_verdict policy_judge_address(const struct policy *p, const struct addr *peer,
					 struct policy_why *why);

/*
 * Does more than the address matter: is it one of those, plain or in disguise, where turnd has an
 * endpoint or relays? Then a permission for it says little, and each port has to be judged.
 */
bool policy_wants_port(const struct policy *p, const struct addr *peer);

/* A stable word such as "special" for counters and log lines; "allowed" for POLICY_ALLOWED. */
const char *policy_word(enum policy_verdict v);

#endif
