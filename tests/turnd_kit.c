#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "turnd_kit.h"

struct rig r;
struct rig_client c;
int link_of_a_client;

int prepare(void **state)
{
	rig_init(&r);
	return 0;
}

int stop(void **state)
{
	rig_stop(&r);
	return 0;
}

void start(void)
{
	rig_start(&r);
	rig_client(&c, &r, 4000);
}

uint16_t ask(struct rig_client *who, uint16_t method)
{
	rig_prepare(who, method);
	return rig_ask(who);
}

void over(uint8_t transport)
{
	c.tuple.transport = transport;
	c.link = LINK;
}

struct bytes built(void)
{
	struct bytes raw;

	assert_int_equal(stun_build_finish(&c.b, &raw), STUN_OK);
	return raw;
}

bool has(uint16_t type)
{
	struct bytes value;

	return rig_find(&r, type, &value);
}

const struct turnd_stats *stats(void)
{
	return turnd_stats(r.worker[0].turnd);
}

uint64_t dropped(enum stats_drop why)
{
	return counter_read(&stats()->drops[why]);
}

uint64_t refused(uint16_t code)
{
	return counter_read(&stats()->errors[stats_code(code)]);
}
