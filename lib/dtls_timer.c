#include "dtls_timer.h"

#include "clock.h"

void dtls_timer_rearm(const struct dtls *d, struct event *timer, uint64_t *due_us)
{
	uint64_t next_us = dtls_next_deadline_us(d), now_us;
	struct timeval wait;

	if (next_us == *due_us)
		return;
	*due_us = next_us;
	if (next_us == DTLS_NEVER) {
		(void)evtimer_del(timer);
		return;
	}
	now_us = clock_us();
	next_us = next_us > now_us ? next_us - now_us : 0;
	wait = (struct timeval){ (time_t)(next_us / 1000000), (suseconds_t)(next_us % 1000000) };
	(void)evtimer_add(timer, &wait);
}
