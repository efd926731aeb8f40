/*
 * attr_copy - reads an attribute by its kind in the table and writes it again, for tests that
 * want every getter and every putter called.
 */
#ifndef NATKIT_ATTR_COPY_H
#define NATKIT_ATTR_COPY_H

#include "stun_attr.h"

enum attr_copy {
	ATTR_COPIED = 0,
	ATTR_UNREADABLE, /* the getter refused the value */
	ATTR_UNWRITABLE, /* it is readable, but the putter refused it */
};

/*
 * tid  of the message that `attr` stands in; the builder may have another
 * A type that is not in the table is copied as bytes.
 */
enum attr_copy attr_copy(struct stun_builder *b, const struct stun_tid *tid,
			 const struct stun_attr *attr);

#endif
