#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "turn_one.h"

struct rig r;
struct rig_client c;

int one_begin(void **state)
{
	rig_init(&r);
	r.snapshot.nonces.life_s = 86400; /* these stories are not about stale nonces */
	rig_client(&c, &r, 1000);
	return 0;
}

int one_end(void **state)
{
	rig_stop(&r);
	return 0;
}

uint16_t one_allocate(struct story_allocate how)
{
	return story_allocate(&c, &how);
}

const struct alloc *one_alloc(void)
{
	const struct alloc *a = story_alloc_of(&c);

	assert_non_null(a);
	return a;
}

size_t one_ports_free(size_t relay)
{
	return ports_count_free(r.ports[relay]);
}
