/*
 * stun_attr_put - what the putters of stun_attr.h have in common.
 */
#ifndef NATKIT_STUN_ATTR_PUT_H
#define NATKIT_STUN_ATTR_PUT_H

#include "stun_attr.h"

/* A value that its attribute cannot hold: the caller's mistake fails the build. */
static inline enum stun_result stun_attr_refuse(struct stun_builder *b)
{
	b->failed = true;
	return STUN_MALFORMED;
}

/* A cursor over the value of a new attribute; it has failed when there is no room. */
static inline struct wire_out stun_attr_open(struct stun_builder *b, uint16_t type, size_t len)
{
	struct wire_out out = wire_write(stun_build_attr(b, type, len), len);

	out.failed = out.start == NULL;
	return out;
}

static inline enum stun_result stun_attr_result(const struct stun_builder *b)
{
	return b->failed ? STUN_NO_SPACE : STUN_OK;
}

#endif
