#include <stdio.h>

#include "reason_state.h"

/*
 * One sentence for each reason, by whose network it is about: ours, theirs, both. Where numbers are
 * known, `exact` has them:
 *
 *	%a  announced address of that side     %f  announced port
 *	%t  the port that it was then          %d  by how many ports, signed
 *	%s  sockets of that side               %n  ports that the other one tried
 *	%k  sockets that still got answers     %m  ... of so many that asked
 *	%c  what the relay answered
 */
struct sentence {
	const char *plain[3];
	const char *exact[3];
};

enum { OURS, THEIRS, BOTH };

#define SAME(text) { text, text, text }

static const struct sentence sentences[PUNCH_REASONS] = {
	[REASON_NONE] = { SAME("It made a path."), { 0 } },
	[REASON_UNSURE] = { SAME("What both sides saw fits more than one reason."), { 0 } },
	[REASON_NOT_TRIED] = { SAME("It was not tried."), { 0 } },
	[REASON_PEER_SILENT] = { { "We said nothing more after the meeting.",
				   "The other side was not heard again after the meeting.",
				   "Neither side was heard again after the meeting." },
				 { 0 } },
	[REASON_LATE] = { { "We began when the other side was through.",
			    "The other side began when we were through.",
			    "One side began when the other one was through." },
			  { 0 } },
	[REASON_LOCAL_ERROR] = { { "Our system opened no socket, or refused to send.",
				   "Their system opened no socket, or refused to send.",
				   "Both systems opened no socket, or refused to send." },
				 { 0 } },
	[REASON_NO_FAMILY] = { SAME("The two have no kind of address in common."), { 0 } },
	[REASON_UDP_BLOCKED] = { { "Our network passes no UDP: it leaves, and nothing returns.",
				   "Their network passes no UDP: it leaves, and nothing returns.",
				   "Neither network passes UDP: it leaves, and nothing returns." },
				 { 0 } },
	[REASON_FILTERED] = { { "Our filter dropped them, though they came from where they said.",
				"Their filter dropped us, though we came from where we said.",
				"Each filter dropped the other side." },
			      { 0 } },
	[REASON_MAPPING_DIFFERS] = { { "Their filter dropped us, since our NAT used another port "
				       "than the one we had told them.",
				       "Our filter dropped them, since their NAT used another port "
				       "than the one they had told us.",
				       "Each filter dropped the other side, since both NATs used "
				       "other ports than those they had shown." },
				     { "Their filter dropped us, since our mapping moved from %f "
				       "to "
				       "%t.",
				       "Our filter dropped them, since their mapping moved from %f "
				       "to %t." } },
	[REASON_REMAPPED] = { { "Their filter dropped us, since a packet of theirs came before our "
				"first and made our NAT use another port.",
				"Our filter dropped them, since a packet of ours came before their "
				"first and made their NAT use another port.",
				"One filter dropped the other side, since a packet came too early "
				"and made a NAT use another port." },
			      { "Their filter dropped us, since a packet of theirs came before our "
				"first and made our NAT use another port than %f.",
				"Our filter dropped them, since a packet of ours came before their "
				"first and made their NAT use another port than %f." } },
	[REASON_MAPPING_ENDED] = { { "An unexpected packet or an ICMP error ended our mapping.",
				     "An unexpected packet or an ICMP error ended their mapping.",
				     "Unexpected packets or ICMP errors ended both mappings." },
				   { "An unexpected packet or an ICMP error ended our mapping at "
				     "port %f; the next one was at %t.",
				     "An unexpected packet or an ICMP error ended their mapping at "
				     "port %f; the next one was at %t." } },
	[REASON_POOL] = { { "Our NAT used another external address towards them.",
			    "Their NAT used another external address towards us.",
			    "The two NATs have several external addresses each, and took others "
			    "than those that were told." },
			  { "Our NAT used another external address towards them than %a.",
			    "Their NAT used another external address towards us than %a." } },
	[REASON_PREDICTION_MISSED] = { { "The port of our NAT was none of those foretold.",
					 "The port of their NAT was none of those foretold.",
					 "The ports of the two NATs were not those foretold." },
				       { "The prediction missed by %d: the ports of our NAT were "
					 "none of those foretold.",
					 "The prediction missed by %d: the ports of their NAT were "
					 "none of those foretold." } },
	[REASON_BIRTHDAY_MISSED] = { { "None of the ports that they tried was one of ours.",
				       "None of the ports that we tried was one of theirs.",
				       "None of the ports that were tried was one of the other "
				       "side's." },
				     { "None of the %n ports that they tried was one of our %s "
				       "sockets'.",
				       "None of the %n ports that we tried was one of their %s "
				       "sockets'." } },
	[REASON_MAPPING_LIMIT] = { { "Our NAT let no more sockets out.",
				     "Their NAT let no more sockets out.",
				     "Both NATs let no more sockets out." },
				   { "Our NAT let no more sockets out: %k of %m new ones got an "
				     "answer.",
				     "Their NAT let no more sockets out: %k of %m new ones got an "
				     "answer." } },
	[REASON_RATE_LIMIT] = { { "Our network dropped what exceeded its rate.",
				  "Their network dropped what exceeded its rate.",
				  "Both networks dropped what exceeded their rates." },
				{ 0 } },
	[REASON_NO_HAIRPIN] = { SAME("Both are behind one NAT, which does not turn packets round."),
				{ 0 } },
	[REASON_LOSS] = { SAME("Too many packets were lost."), { 0 } },
	[REASON_TCP_BLOCKED] = { { "Our network passes no TCP.", "Their network passes no TCP.",
				   "Neither network passes TCP." },
				 { 0 } },
	[REASON_TCP_REFUSED] = { { "Our NAT refused their SYN each time it came.",
				   "Their NAT refused our SYN each time it came.",
				   "Each NAT refused the other side's SYN each time it came." },
				 { 0 } },
	[REASON_TCP_FILTERED] = { { "Our filter dropped their SYN each time.",
				    "Their filter dropped our SYN each time.",
				    "Each filter dropped the other side's SYN." },
				  { 0 } },
	[REASON_TCP_NO_SIMULTANEOUS_OPEN] = { { "The SYNs crossed, and our NAT takes none then.",
						"The SYNs crossed, and their NAT takes none then.",
						"The SYNs crossed, and neither NAT takes one "
						"then." },
					      { 0 } },
	[REASON_NO_PORT_MAPPING] = { { "Our gateway opened no port that leads to us.",
				       "Their gateway opened no port that leads to them.",
				       "Neither gateway opened a port that helps." },
				     { 0 } },
	[REASON_NO_RELAY] = { SAME("There is no relay that either side reached."), { 0 } },
	[REASON_RELAY_DENIED] = { { "Our relay refused to relay to them.",
				    "Their relay refused to relay to us.",
				    "Both relays refused to relay to the other side." },
				  { "Our relay refused to relay to them (%c).",
				    "Their relay refused to relay to us (%c)." } },
};

/* What a sentence may speak of. */
struct facts {
	const struct punch_evidence *seen; /* of the side it is about */
	const struct punch_part *other;
	int32_t detail;
};

static void put_fact(char letter, const struct facts *f, char *buf, size_t cap)
{
	char text[ADDR_TEXT_MAX];
	uint16_t port = f->seen->announced.port;

	switch (letter) {
	case 'a':
		(void)snprintf(buf, cap, "%s", addr_print_ip(&f->seen->announced, text));
		return;
	case 'f':
		(void)snprintf(buf, cap, "%u", port);
		return;
	case 't':
		(void)snprintf(buf, cap, "%u", (unsigned)(uint16_t)(port + f->detail));
		return;
	case 'd':
		(void)snprintf(buf, cap, "%+d", f->detail);
		return;
	case 's':
		(void)snprintf(buf, cap, "%u", f->seen->sockets);
		return;
	case 'n':
		(void)snprintf(buf, cap, "%u", f->other->ports);
		return;
	case 'k':
		(void)snprintf(buf, cap, "%u", f->seen->alive_answered);
		return;
	case 'm':
		(void)snprintf(buf, cap, "%u", f->seen->alive_asked);
		return;
	default:
		(void)snprintf(buf, cap, "%u", f->seen->relay_code);
		return;
	}
}

static void expand(const char *text, const struct facts *f, char *buf, size_t cap)
{
	char fact[ADDR_TEXT_MAX];
	size_t len = 0;

	for (; *text != '\0'; text++) {
		const char *piece = fact;

		if (*text == '%') {
			put_fact(*++text, f, fact, sizeof(fact));
		} else {
			fact[0] = *text;
			fact[1] = '\0';
		}
		while (*piece != '\0' && len + 1 < cap)
			buf[len++] = *piece++;
	}
	if (cap > 0)
		buf[len] = '\0';
}

/* Are the numbers of the exact sentence there? */
static bool is_exact(enum punch_reason reason, const struct facts *f)
{
	switch (reason) {
	case REASON_MAPPING_DIFFERS:
	case REASON_MAPPING_ENDED:
		return f->seen->announced.port != 0 && f->detail != 0;
	case REASON_REMAPPED:
	case REASON_POOL:
		return f->seen->announced.port != 0;
	case REASON_PREDICTION_MISSED:
		return f->detail != 0;
	case REASON_BIRTHDAY_MISSED:
		return f->seen->sockets > 1 && f->other->ports > 1;
	case REASON_MAPPING_LIMIT:
		return f->seen->alive_asked > 0;
	case REASON_RELAY_DENIED:
		return f->seen->relay_code != 0;
	default:
		return false;
	}
}

static int whose(uint8_t side, bool we_are_a)
{
	if (side != PUNCH_SIDE_A && side != PUNCH_SIDE_B)
		return BOTH;
	return (side == PUNCH_SIDE_A) == we_are_a ? OURS : THEIRS;
}

void reason_print(const struct reason_case *c, const struct punch_verdict *v, bool we_are_a,
		  char *buf, size_t cap)
{
	const struct sentence *s =
		&sentences[v->reason < PUNCH_REASONS ? v->reason : REASON_UNSURE];
	struct facts f = { .detail = v->detail };
	int who = whose(v->side, we_are_a);

	if (c != NULL && c->step != NULL && who != BOTH) {
		bool is_a = v->side == PUNCH_SIDE_A;

		f.seen = is_a ? c->seen_a : c->seen_b;
		f.other = is_a ? &c->step->b : &c->step->a;
	}
	if (f.seen != NULL && s->exact[who] != NULL && is_exact((enum punch_reason)v->reason, &f))
		expand(s->exact[who], &f, buf, cap);
	else
		(void)snprintf(buf, cap, "%s", s->plain[who]);
}

void reason_print_unsuitable(const struct punch_plan *plan, bool we_are_a, char *buf, size_t cap)
{
	static const char *const random[] = { "the ports of our NAT follow no rule",
					      "the ports of their NAT follow no rule",
					      "the ports of both NATs follow no rule" };
	const char *why = "what was allowed is for other networks";

	if (plan->forced == PUNCH_PREDICTION && plan->side != PUNCH_SIDE_NONE)
		why = random[whose(plan->side, we_are_a)];
	else if (plan->forced == PUNCH_PREDICTION)
		why = "each NAT uses the port that it has shown, so there is nothing to foretell";
	else if (plan->forced == PUNCH_MIXED)
		why = "it is for two NATs that use another port for each destination, one of them "
		      "at least a random one";
	else if (plan->forced == PUNCH_BIRTHDAY)
		why = "there is no time for enough ports";
	(void)snprintf(buf, cap, "It was not tried: %s.", why);
}
