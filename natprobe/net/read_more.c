#include "read_more.h"

#include <event2/buffer.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PIECE 4096 /* of libevent */
#define MOST  65536

void read_more(struct bufferevent *bev)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	const size_t len = evbuffer_get_length(in);
	struct evbuffer_iovec room;
	int there = 0;
	ssize_t n;

	if (len < PIECE || len >= MOST)
		return;
	/* To read where nothing is would take an error that libevent is to hear of. */
	if (ioctl(bufferevent_getfd(bev), FIONREAD, &there) != 0 || there <= 0)
		return;
	/* A bufferevent lets nobody else add to what it has read. */
	(void)evbuffer_unfreeze(in, 0);
	if (evbuffer_reserve_space(in, MOST, &room, 1) == 1) {
		n = read(bufferevent_getfd(bev), room.iov_base, MOST);
		room.iov_len = n > 0 ? (size_t)n : 0;
		(void)evbuffer_commit_space(in, &room, 1);
	}
	(void)evbuffer_freeze(in, 0);
}
