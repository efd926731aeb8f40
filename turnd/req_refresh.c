#include "lifetime.h"
#include "mobility.h"
#include "request.h"

/* Refresh (RFC 8656, section 8.2). */
uint16_t req_refresh(struct request *r)
{
	struct turnd_refresh refresh;
	uint16_t code;
	bool alive;

	if (r->attrs.has_ticket)
		return mobility_refresh(r);
	code = lifetime_read(r, &refresh);
	if (code == 0)
		code = lifetime_refresh(r->t, r->alloc, &refresh, r->now_ms, &alive);
	if (code != 0)
		return code;
	mobility_keep(r->t, &r->in->tuple, refresh.lifetime_s, r->now_ms);
	(void)stun_attr_put_u32(&r->answer, STUN_ATTR_LIFETIME, refresh.lifetime_s);
	return 0;
}
