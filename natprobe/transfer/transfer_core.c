#include "transfer_core.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define AGAIN "run both sides again: it goes on where it was"

void transfer_put(struct transfer_core *c, const struct transfer_msg *m)
{
	size_t len = transfer_wire_write(m, c->frame, sizeof(c->frame));

	if (len > 0)
		c->on_output(c->arg, bytes_of(c->frame, len));
}

void transfer_tell(struct transfer_core *c, enum transfer_event_kind kind, uint32_t index,
		   uint64_t at, const uint8_t *digest)
{
	const struct transfer_event e = {
		.kind = (uint8_t)kind, .index = index, .at = at, .digest = digest
	};

	c->on_event(c->arg, &e);
}

static void end(struct transfer_core *c)
{
	c->is_over = true;
	c->progress.is_moving = c->progress.is_checking = false;
	transfer_tell(c, TRANSFER_ON_OVER, 0, 0, NULL);
}

void transfer_succeed(struct transfer_core *c)
{
	if (c->is_over)
		return;
	c->is_ok = true;
	end(c);
}

void transfer_fail(struct transfer_core *c, const char *format, ...)
{
	struct transfer_msg m = { .kind = TRANSFER_FAILED };
	va_list args;

	if (c->is_over)
		return;
	va_start(args, format);
	vsnprintf(c->why, sizeof(c->why), format, args);
	va_end(args);
	m.data = bytes_of_str(c->why);
	transfer_put(c, &m);
	end(c);
}

static const char *remedy(int rc)
{
	switch (-rc) {
	case ENOSPC:
	case EDQUOT:
		return "make room there, and " AGAIN;
	case EACCES:
	case EPERM:
	case EROFS:
		return "see to its permissions, or have another directory by --output, and run "
		       "both sides again";
	case EFBIG:
		return "the file system has no files that large; have one that does by --output";
	case ENAMETOOLONG:
		return "the file system has no names that long; give it a shorter one";
	case EEXIST:
		return "something else has come there meanwhile; move it away, and " AGAIN;
	case EBUSY:
		return "another natprobe receive writes it at this moment; wait for that one, or "
		       "end "
		       "it, and " AGAIN;
	case EIO:
		return "the disk fails; copy what matters off it first";
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		return "something there was moved meanwhile; leave it, and " AGAIN;
	default:
		return AGAIN;
	}
}

void transfer_fail_file(struct transfer_core *c, struct bytes path, const char *what, int rc)
{
	char name[SAFE_TEXT_MAX];

	safe_text(path, name);
	if (rc == TRANSFER_CHANGED)
		transfer_fail(c, "%s changed while it was sent; leave it alone, and " AGAIN, name);
	else
		transfer_fail(c, "%s cannot be %s: %s; %s", name, what, strerror(-rc), remedy(rc));
}

void transfer_interrupt(struct transfer_core *c)
{
	transfer_fail(c, "it was interrupted; " AGAIN);
}

void transfer_fail_told(struct transfer_core *c, struct bytes text)
{
	if (c->is_over)
		return;
	c->is_told = true;
	safe_text_sentence(text, c->why, sizeof(c->why));
	end(c);
}

bool transfer_check_hello(struct transfer_core *c, const struct transfer_msg *m, bool is_sender)
{
	if (m->kind != TRANSFER_HELLO || m->is_sender != is_sender)
		transfer_fail(c, "the other side does not run natprobe %s",
			      is_sender ? "send" : "receive");
	else if (m->version != TRANSFER_VERSION)
		transfer_fail(c,
			      "the other side has version %u of this protocol and we have %u; "
			      "have the same natprobe on both sides",
			      (unsigned)m->version, (unsigned)TRANSFER_VERSION);
	return !c->is_over;
}

uint64_t digest_some_zeros(const struct transfer_digest *d, uint64_t *left)
{
	uint64_t n = *left < TRANSFER_ZEROS ? *left : TRANSFER_ZEROS;

	if (n > 0)
		d->add_zeros(d->arg, n);
	*left -= n;
	return n;
}

bool have_add(struct have_list *l, const struct have *h)
{
	if (l->count == l->cap) {
		uint32_t cap = l->cap == 0 ? 16 : l->cap * 2;
		struct have *items = realloc(l->items, cap * sizeof(*items));

		if (items == NULL)
			return false;
		l->items = items;
		l->cap = cap;
	}
	l->items[l->count++] = *h;
	return true;
}

const struct have *have_find(const struct have_list *l, uint32_t index)
{
	uint32_t low = 0, high = l->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (l->items[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->count && l->items[low].index == index ? &l->items[low] : NULL;
}

void have_clear(struct have_list *l)
{
	free(l->items);
	*l = (struct have_list){ 0 };
}
