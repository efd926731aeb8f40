#include "sim_flow.h"

#include <string.h>

#define REPEATS 3 /* RFC 5681, section 3.2 */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void sim_flow_begin(struct sim_flow *f, uint32_t first)
{
	memset(f, 0, sizeof(*f));
	f->first = first;
	f->timeout_us = SIM_FLOW_FIRST_US;
	f->timer_us = UINT64_MAX;
}

/* As Linux: the least is what is added to a round trip. */
static uint32_t timeout(const struct sim_flow *f)
{
	uint32_t more = 4 * f->deviation_us;

	if (!f->has_rtt)
		return SIM_FLOW_FIRST_US;
	return f->rtt_us + (more > SIM_FLOW_LEAST_US ? more : SIM_FLOW_LEAST_US);
}

void sim_flow_measured(struct sim_flow *f, uint32_t rtt_us)
{
	uint32_t off = rtt_us > f->rtt_us ? rtt_us - f->rtt_us : f->rtt_us - rtt_us;

	if (f->has_rtt) {
		f->deviation_us = f->deviation_us - f->deviation_us / 4 + off / 4;
		f->rtt_us = f->rtt_us - f->rtt_us / 8 + rtt_us / 8;
	} else {
		f->has_rtt = true;
		f->deviation_us = rtt_us / 2;
		f->rtt_us = rtt_us;
	}
	f->timeout_us = timeout(f);
}

uint32_t sim_flow_next_seq(const struct sim_flow *f)
{
	return f->first + (uint32_t)f->sent_len;
}

bool sim_flow_write(struct sim_flow *f, struct bytes data)
{
	if (data.len > sizeof(f->out) - f->out_len)
		return false;
	if (data.len > 0)
		memcpy(f->out + f->out_len, data.data, data.len);
	f->out_len += data.len;
	return true;
}

static void send_again(struct sim_flow *f, uint64_t now_us)
{
	f->again_len = f->sent_len;
	f->is_again_due = true;
	f->again_us = now_us;
	f->is_timed = false; /* it would not be known which one was answered */
}

bool sim_flow_send(struct sim_flow *f, uint64_t now_us, struct sim_segment *out)
{
	size_t len;

	if (f->is_again_due) {
		f->is_again_due = false;
		len = least(f->again_len, SIM_FLOW_SEGMENT);
		*out = (struct sim_segment){ .seq = f->first, .data = bytes_of(f->out, len) };
		return true;
	}
	len = least(f->out_len - f->sent_len, SIM_FLOW_SEGMENT);
	if (len == 0)
		return false;
	*out = (struct sim_segment){ .seq = sim_flow_next_seq(f),
				     .data = bytes_of(f->out + f->sent_len, len) };
	f->sent_len += len;
	if (!f->is_timed && f->again_len == 0) {
		f->is_timed = true;
		f->timed_end = sim_flow_next_seq(f);
		f->timed_us = now_us;
	}
	if (f->timer_us == UINT64_MAX)
		f->timer_us = now_us + f->timeout_us;
	return true;
}

static void forget_acked(struct sim_flow *f, size_t len)
{
	memmove(f->out, f->out + len, f->out_len - len);
	f->first += (uint32_t)len;
	f->out_len -= len;
	f->sent_len -= len;
	f->again_len -= least(f->again_len, len);
	f->is_again_due = f->again_len > 0;
	f->repeats = 0;
	f->again_us = 0;
}

/* Something behind what is missing has come. Where that was sent again, it came back so late that it
 * left after that: then that is lost, too. */
static void repeat(struct sim_flow *f, uint64_t now_us)
{
	bool is_again_lost = f->has_rtt && now_us >= f->again_us + f->rtt_us + f->rtt_us / 4;

	if (f->repeats < REPEATS)
		f->repeats++;
	if (f->repeats == REPEATS && (f->again_us == 0 || is_again_lost))
		send_again(f, now_us);
}

bool sim_flow_on_ack(struct sim_flow *f, uint32_t ack, bool is_pure, uint64_t now_us)
{
	size_t len = ack - f->first;

	if (len > f->sent_len)
		return false;
	if (len == 0) {
		if (is_pure && f->sent_len > 0)
			repeat(f, now_us);
		return false;
	}
	forget_acked(f, len);
	f->timeout_us = timeout(f);
	if (f->is_timed && (int32_t)(ack - f->timed_end) >= 0) {
		f->is_timed = false;
		sim_flow_measured(f, (uint32_t)(now_us - f->timed_us));
	}
	f->timer_us = f->sent_len > 0 ? now_us + f->timeout_us : UINT64_MAX;
	return true;
}

void sim_flow_on_timer(struct sim_flow *f, uint64_t now_us)
{
	if (f->timer_us > now_us)
		return;
	send_again(f, now_us);
	f->timeout_us *= 2;
	f->timer_us = now_us + f->timeout_us;
}

struct bytes sim_flow_take(struct sim_flow *f, const struct sim_segment *segment, uint8_t *buf)
{
	uint32_t at = segment->seq - f->expected, known = 0 - at;
	struct bytes data = segment->data;
	size_t len = 0;

	if ((int32_t)at < 0) { /* it begins with what has come before */
		if (known >= data.len)
			return (struct bytes){ 0 };
		data = bytes_of(data.data + known, data.len - known);
		at = 0;
	}
	if (data.len == 0 || at > sizeof(f->in) || data.len > sizeof(f->in) - at)
		return (struct bytes){ 0 };
	memcpy(f->in + at, data.data, data.len);
	memset(f->has_come + at, true, data.len);
	while (len < sizeof(f->in) && f->has_come[len])
		len++;
	memcpy(buf, f->in, len);
	memmove(f->in, f->in + len, sizeof(f->in) - len);
	memmove(f->has_come, f->has_come + len, sizeof(f->in) - len);
	memset(f->has_come + sizeof(f->in) - len, false, len);
	f->expected += (uint32_t)len;
	return bytes_of(buf, len);
}
