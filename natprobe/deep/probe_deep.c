#include "probe_deep.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "deep_io.h"
#include "natprobe/check/probe.h"
#include "natprobe/check/probe_state.h"
#include "natprobe/net/random.h"

static void on_nat64(void *arg, const struct addr *prefix, uint8_t len)
{
	struct probe *p = arg;

	deep_on_nat64(p->deep, prefix, len);
}

static void on_done(void *arg)
{
	struct probe *p = arg;

	p->is_deepening = false;
	p->config->on_change(p->config->arg, p);
}

static void on_counted(void *arg)
{
	struct probe *p = arg;

	p->config->on_change(p->config->arg, p);
}

/* Another address of this interface, to be a second host behind the same NAT. */
static struct addr second_address(const struct probe *p)
{
	for (size_t i = 0; i < p->choice.candidate_count; i++) {
		if (!addr_equal_ip(&p->choice.candidates[i], &p->source.local))
			return p->choice.candidates[i];
	}
	return (struct addr){ 0 };
}

/* Those that answered; first the ones whose port is no low one, as most destinations have it. */
static void add_servers(const struct verdict *v, bool low, struct deep_config *config)
{
	for (size_t i = 0; i < v->server_count; i++) {
		const struct verdict_server *s = &v->servers[i];

		if (s->answered > 0 && (s->addr.port < 1024) == low &&
		    config->server_count < VERDICT_SERVERS_MAX)
			config->servers[config->server_count++] = s->addr;
	}
}

bool probe_deep_start(struct probe *p)
{
	struct deep_config config = {
		.local = p->source.local,
		.second = second_address(p),
		.gateway = p->route.gateway,
		.random = random_draw,
		.longest_s = p->config->deep_longest_s,
		.mappings = p->config->deep_mappings,
		.can_fragment = deep_io_can_fragment(&p->source),
		.sees_icmp = deep_io_sees_icmp(),
		.nat64_awaited = true,
		.turn = DEEP_TURN_NONE,
	};
	struct deep_io_config io = { .base = p->config->base,
				     .batch = p->config->batch,
				     .source = p->source,
				     .on_counted = on_counted,
				     .on_done = on_done,
				     .arg = p };

	if (p->is_stopped || probe_verdict(p) == NULL)
		return false;
	add_servers(&p->verdict, false, &config);
	add_servers(&p->verdict, true, &config);
	p->deep = deep_new(&config, &p->verdict);
	if (p->deep == NULL)
		return false;
	io.deep = p->deep;
	p->deep_io = deep_io_new(&io);
	p->is_deepening = p->deep_io != NULL;
	p->nat64 = nat64_search_new(p->config->base, on_nat64, p);
	return p->is_deepening;
}

bool probe_deep_is_to_count(const struct probe *p)
{
	return p->is_deepening && deep_is_to_count(p->deep);
}

void probe_deep_take_turn(struct probe *p, enum deep_turn turn)
{
	if (!p->is_deepening)
		return;
	deep_take_turn(p->deep, turn);
	deep_io_wake(p->deep_io);
}

void probe_deep_stop(struct probe *p)
{
	if (p->is_deepening)
		deep_io_stop(p->deep_io);
}

void probe_deep_free(struct probe *p)
{
	nat64_search_free(p->nat64);
	deep_io_free(p->deep_io);
	deep_free(p->deep);
}

double probe_deep_progress(const struct probe *p, char text[static PROBE_DEEP_TEXT_MAX])
{
	struct deep_progress now;

	text[0] = '\0';
	if (!p->is_deepening)
		return 1;
	deep_progress(p->deep, clock_us(), &now);
	snprintf(text, PROBE_DEEP_TEXT_MAX, "%s: %.0f %%, waits for %s, at most %.0f s more",
		 p->choice.name, 100 * now.share, now.waits_for, (double)now.ends_in_us / 1e6);
	return now.share;
}
