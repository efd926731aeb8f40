/* From what was seen of a trial to the cause. */
#include "reach_trial.h"

static bool is_unknown(const struct reach_facts *f, struct reach_verdict *out)
{
	static const uint8_t whys[] = {
		[REACH_SERVER_SILENT] = REACH_WHY_SILENT,
		[REACH_SERVER_OTHER] = REACH_WHY_OTHER,
		[REACH_SERVER_REFUSES] = REACH_WHY_REFUSED,
	};

	if (f->server == REACH_SERVER_TRIED)
		return false;
	out->why = whys[f->server];
	return true;
}

/* It got in to a socket of natprobe's own: only the program is missing. */
static enum reach_cause heard(const struct reach_facts *f)
{
	return f->stands_in ? REACH_OPEN : REACH_NOTHING_LISTENS;
}

/* It does not get as far as this host. */
static enum reach_cause kept_out(const struct reach_verdict *v)
{
	if (lease_address_is_behind((enum lease_address)v->further))
		return REACH_CGN;
	return v->has_nat ? REACH_NAT_FILTER : REACH_PATH_FIREWALL;
}

/* Nobody watches: the host and what is in front of it look the same. */
static enum reach_cause one_or_the_other(const struct reach_facts *f, const struct reach_verdict *v)
{
	if (v->has_nat && lease_address_is_behind((enum lease_address)v->further))
		return REACH_CGN;
	/* Without a NAT it is most likely this host that says that nothing is there. */
	if (!v->has_nat && f->listener == REACH_NOBODY && f->outcome == COOP_RESET)
		return REACH_NOTHING_LISTENS;
	return REACH_HOST_OR_NAT;
}

static enum reach_cause judge_connected(const struct reach_facts *f)
{
	bool is_elsewhere = f->is_watched && !f->is_tapped;

	if (f->is_heard)
		return heard(f);
	if (is_elsewhere || f->listener != REACH_PROGRAM)
		return REACH_OTHER_HOST;
	return REACH_OPEN;
}

static enum reach_cause judge_tcp(const struct reach_facts *f, const struct reach_verdict *v)
{
	if (f->outcome == COOP_CONNECTED)
		return judge_connected(f);
	if (f->is_heard)
		return heard(f); /* our SYN-ACK came, and the answer to it was lost */
	if (!f->is_watched)
		return one_or_the_other(f, v);
	if (!f->is_tapped)
		return kept_out(v);
	if (f->listener == REACH_NOBODY && f->outcome == COOP_RESET)
		return REACH_NOTHING_LISTENS;
	return REACH_HOST_FIREWALL;
}

static enum reach_cause judge_udp(const struct reach_facts *f, struct reach_verdict *v)
{
	if (f->is_heard)
		return heard(f);
	if (f->is_watched && !f->is_tapped)
		return kept_out(v);
	if (f->is_watched && f->listener == REACH_PROGRAM)
		return REACH_ARRIVES;
	if (f->is_watched)
		return f->listener == REACH_NOBODY ? REACH_NOTHING_LISTENS : REACH_HOST_FIREWALL;
	if (f->listener == REACH_NATPROBE)
		return one_or_the_other(f, v);
	v->why = REACH_WHY_UNSEEN;
	return REACH_UNKNOWN;
}

/* Of the gateway, where it says; else of this host, which may be behind a carrier's NAT itself. */
static enum lease_address judge_further(const struct reach_facts *f)
{
	enum lease_address local;

	if (f->external.family != ADDR_NONE)
		return lease_address_judge(&f->external, &f->mapped);
	local = lease_address_judge(&f->local, &f->mapped);
	return local == LEASE_ADDRESS_SHARED ? local : LEASE_ADDRESS_UNTOLD;
}

void reach_judge(const struct reach_facts *f, struct reach_verdict *out)
{
	*out = (struct reach_verdict){ .cause = REACH_UNKNOWN };
	if (is_unknown(f, out))
		return;
	out->has_nat = !addr_equal_ip(&f->local, &f->mapped);
	out->further = (uint8_t)(out->has_nat ? judge_further(f) : LEASE_ADDRESS_UNTOLD);
	out->cause = (uint8_t)(f->transport == PORTMAP_TCP ? judge_tcp(f, out) : judge_udp(f, out));
}

const char *reach_cause_word(enum reach_cause cause)
{
	static const char *const words[REACH_CAUSES] = {
		"unknown",    "open",    "nothing-listens", "host-firewall",
		"nat-filter", "cgn",     "firewall",        "host-firewall-or-nat-filter",
		"other-host", "arrives",
	};

	return words[cause];
}
