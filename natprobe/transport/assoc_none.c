/* assoc where libusrsctp is missing: there is none. */
#include "assoc.h"

bool assoc_is_built(void)
{
	return false;
}

struct assoc *assoc_new(const struct assoc_config *config, size_t mtu, uint64_t now_us)
{
	return NULL;
}

void assoc_free(struct assoc *s)
{
}

void assoc_set_mtu(struct assoc *s, size_t mtu)
{
}

void assoc_renew_path(struct assoc *s, size_t mtu)
{
}

void assoc_input(struct assoc *s, struct bytes packet, uint64_t now_us)
{
}

void assoc_on_time(struct assoc *s, uint64_t now_us)
{
}

uint64_t assoc_next_us(const struct assoc *s)
{
	return UINT64_MAX;
}

void assoc_take(struct assoc *s, struct assoc_event *out)
{
	*out = (struct assoc_event){ 0 };
}

size_t assoc_piece(const struct assoc *s)
{
	return 1;
}

size_t assoc_room(const struct assoc *s)
{
	return 0;
}

enum assoc_send_result assoc_send(struct assoc *s, const struct assoc_message *m)
{
	return ASSOC_SEND_FAILED;
}

bool assoc_reset(struct assoc *s, const uint16_t *streams, size_t n)
{
	return false;
}

void assoc_shutdown(struct assoc *s)
{
}

bool assoc_is_idle(const struct assoc *s)
{
	return true;
}

void assoc_copy_header(const struct assoc *s, uint8_t out[static ASSOC_HEADER_LEN])
{
	memset(out, 0, ASSOC_HEADER_LEN);
}

const struct sctp_watch *assoc_watch(const struct assoc *s)
{
	static const struct sctp_watch nothing;

	return &nothing;
}

void assoc_state_of(const struct assoc *s, struct assoc_state *out)
{
	*out = (struct assoc_state){ 0 };
}
