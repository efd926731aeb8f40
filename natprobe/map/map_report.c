#include "map_report.h"

#include <string.h>

static bool is_good(const struct map_row *row, bool opens)
{
	if (opens)
		return row->lease.state == LEASE_HELD;
	return row->lease.state == LEASE_ENDED && row->lease.is_removed && !row->is_taken;
}

static bool was_answered(const struct map_row *row)
{
	for (int by = 0; by < LEASE_BYS; by++) {
		switch (row->lease.replies[by].answer) {
		case LEASE_GRANTED:
		case LEASE_DENIED:
		case LEASE_OTHER_PORT:
		case LEASE_TAKEN:
		case LEASE_UNCONFIRMED:
			return true;
		default:
			break;
		}
	}
	return row->is_taken;
}

static bool is_same_port(const struct map_row *a, const struct map_row *b)
{
	return a->lease.config.transport == b->lease.config.transport &&
	       a->lease.config.internal.port == b->lease.config.internal.port;
}

/* In any family: a network that has an IPv6 without a gateway that opens ports is a common one. */
static bool is_port_good(const struct map_report *r, size_t i, bool opens)
{
	for (size_t k = 0; k < r->count; k++) {
		if (is_same_port(&r->rows[i], &r->rows[k]) && is_good(&r->rows[k], opens))
			return true;
	}
	return false;
}

enum report_exit map_report_exit(const struct map_report *r)
{
	bool opens = strcmp(r->action, "open") == 0;
	bool all_good = true, answered = false;

	for (size_t i = 0; i < r->count; i++) {
		all_good = all_good && is_port_good(r, i, opens);
		answered = answered || was_answered(&r->rows[i]);
	}
	if (all_good)
		return EXIT_REACHED;
	return answered ? EXIT_FAILED : EXIT_NO_SERVER;
}

enum lease_address map_row_address(const struct map_row *row)
{
	return lease_address_judge(&row->lease.grant.external, &row->seen);
}

const char *map_by_name(enum lease_by by)
{
	static const char *const names[] = { "PCP", "NAT-PMP", "UPnP", "nobody" };

	return names[by];
}

const char *map_reply_text(const struct map_row *row, enum lease_by by,
			   char buf[static MAP_TEXT_MAX])
{
	static const char *const texts[LEASE_ANSWERS] = {
		"not asked",
		"granted",
		"no answer",
		"not spoken by the gateway",
		"denied",
		"only another port",
		"the port is somebody else's",
		"said to be done, and is not",
		"no gateway",
		"this host cannot send",
	};
	const struct lease_reply *r = &row->lease.replies[by];

	if (r->answer != LEASE_DENIED)
		(void)snprintf(buf, MAP_TEXT_MAX, "%s: %s", map_by_name(by), texts[r->answer]);
	else if (by == LEASE_UPNP)
		(void)snprintf(buf, MAP_TEXT_MAX, "UPnP: error %u", r->code);
	else
		(void)snprintf(buf, MAP_TEXT_MAX, "%s: %s (%u)", map_by_name(by),
			       by == LEASE_PCP ? portmap_pcp_result_word(r->code)
					       : portmap_pmp_result_word(r->code),
			       r->code);
	return buf;
}

static const char *behind_problem(const struct map_row *row, char buf[static MAP_TEXT_MAX])
{
	char seen[ADDR_TEXT_MAX];

	switch (map_row_address(row)) {
	case LEASE_ADDRESS_PRIVATE:
		return "the gateway's external address is private: another NAT is in front of it "
		       "(double NAT)";
	case LEASE_ADDRESS_SHARED:
		return "the gateway's external address is that of a carrier's NAT (CGN)";
	case LEASE_ADDRESS_SPECIAL:
		return "the gateway's external address is none of the Internet's";
	case LEASE_ADDRESS_OTHER:
		(void)snprintf(buf, MAP_TEXT_MAX,
			       "a STUN server sees %s: another NAT is in front of the gateway, or "
			       "another line is in use",
			       addr_print_ip(&row->seen, seen));
		return buf;
	default:
		return "";
	}
}

static const char *behind_remedy(const struct map_row *row)
{
	switch (map_row_address(row)) {
	case LEASE_ADDRESS_PRIVATE:
	case LEASE_ADDRESS_OTHER:
		return "open the port in the box in front as well, or have that one bridge";
	case LEASE_ADDRESS_SHARED:
		return "ask the provider for a public address, or use IPv6, or a relay";
	default:
		return "";
	}
}

static bool has_answer(const struct map_row *row, enum lease_answer answer)
{
	for (int by = 0; by < LEASE_BYS; by++) {
		if (row->lease.replies[by].answer == answer)
			return true;
	}
	return false;
}

static bool is_denied_as(const struct map_row *row, uint16_t pcp, uint16_t pmp)
{
	const struct lease_reply *r = row->lease.replies;

	return (r[LEASE_PCP].answer == LEASE_DENIED && r[LEASE_PCP].code == pcp) ||
	       (r[LEASE_NAT_PMP].answer == LEASE_DENIED && r[LEASE_NAT_PMP].code == pmp);
}

static bool is_public_itself(const struct map_row *row)
{
	const struct addr *local = &row->lease.config.internal;
	const struct addr nobody = { 0 };

	return lease_address_judge(local, &nobody) == LEASE_ADDRESS_UNSEEN;
}

static const char *refused_problem(const struct map_row *row)
{
	if (has_answer(row, LEASE_NO_GATEWAY))
		return "there is no gateway on this way";
	if (has_answer(row, LEASE_OTHER_PORT) || has_answer(row, LEASE_TAKEN) ||
	    is_denied_as(row, PORTMAP_PCP_CANNOT_PROVIDE_EXTERNAL, UINT16_MAX))
		return "the external port is taken";
	if (is_denied_as(row, PORTMAP_PCP_NOT_AUTHORIZED, PORTMAP_PMP_NOT_AUTHORIZED))
		return "the gateway does not allow it to this host, or another program of this "
		       "host has it";
	if (is_denied_as(row, PORTMAP_PCP_NETWORK_FAILURE, PORTMAP_PMP_NETWORK_FAILURE))
		return "the gateway has no address outside";
	if (is_denied_as(row, PORTMAP_PCP_NO_RESOURCES, PORTMAP_PMP_NO_RESOURCES) ||
	    is_denied_as(row, PORTMAP_PCP_USER_EX_QUOTA, UINT16_MAX))
		return "the gateway has no port left for this host";
	if (has_answer(row, LEASE_DENIED) || has_answer(row, LEASE_UNCONFIRMED))
		return "the gateway refuses";
	return "the gateway opens no ports: it speaks none of the protocols for that";
}

static const char *refused_remedy(const struct map_row *row, char buf[static MAP_TEXT_MAX])
{
	const struct lease_config *c = &row->lease.config;
	char local[ADDR_TEXT_MAX];

	if (has_answer(row, LEASE_OTHER_PORT) || has_answer(row, LEASE_TAKEN) ||
	    is_denied_as(row, PORTMAP_PCP_CANNOT_PROVIDE_EXTERNAL, UINT16_MAX))
		return "leave --external out, to take any port; map --list shows who has it";
	if (is_denied_as(row, PORTMAP_PCP_NETWORK_FAILURE, PORTMAP_PMP_NETWORK_FAILURE))
		return "see whether the gateway is online; some refuse while their own address "
		       "is private";
	if (is_public_itself(row) && !was_answered(row))
		return "this host has a public address itself: where no firewall is in front of "
		       "it, nothing has to be opened";
	(void)snprintf(buf, MAP_TEXT_MAX,
		       "switch PCP, NAT-PMP or UPnP on in the settings of the gateway, or have it "
		       "forward %s %u to %s",
		       lease_transport_word(c->transport), c->internal.port,
		       addr_print_ip(&c->internal, local));
	return buf;
}

static const char *kept_problem(const struct map_row *row, char buf[static MAP_TEXT_MAX])
{
	char owner[ADDR_TEXT_MAX];

	if (row->is_taken) {
		(void)snprintf(buf, MAP_TEXT_MAX,
			       "that port outside leads to %s (\"%s\"), which is not ours: it was "
			       "left as it is",
			       addr_print(&row->owner.internal, owner), row->owner.description);
		return buf;
	}
	if (has_answer(row, LEASE_DENIED))
		return "the gateway does not remove it: another program of this host has it";
	return "the gateway does not confirm that it is removed";
}

static const char *kept_remedy(const struct map_row *row)
{
	if (row->is_taken)
		return "remove it where it was made, or in the settings of the gateway";
	return "it ends by itself when its lifetime is over; the gateway's settings may remove it "
	       "before";
}

const char *map_row_problem(const struct map_row *row, char buf[static MAP_TEXT_MAX])
{
	switch (row->lease.state) {
	case LEASE_HELD:
		return behind_problem(row, buf);
	case LEASE_ENDED:
		return row->lease.is_removed && !row->is_taken ? "" : kept_problem(row, buf);
	default:
		return refused_problem(row);
	}
}

const char *map_row_remedy(const struct map_row *row, char buf[static MAP_TEXT_MAX])
{
	switch (row->lease.state) {
	case LEASE_HELD:
		return behind_remedy(row);
	case LEASE_ENDED:
		return row->lease.is_removed && !row->is_taken ? "" : kept_remedy(row);
	default:
		return refused_remedy(row, buf);
	}
}
