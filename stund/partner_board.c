#include "partner_board.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <unistd.h>

#include "stun_msg.h"
#include "udp.h"

int partner_board_open(const struct addr *local, const struct addr *peer,
		       struct partner_board **out)
{
	static const struct udp_options options = { 0 };
	struct partner_board *b = calloc(1, sizeof(*b));
	int rc = -EIO;

	if (b == NULL)
		return -ENOMEM;
	b->peer = *peer;
	if (RAND_bytes(b->check_tag, sizeof(b->check_tag)) == 1)
		rc = udp_open(local, &options, NULL);
	if (rc < 0 || pthread_mutex_init(&b->lock, NULL) != 0) {
		if (rc >= 0)
			close(rc);
		free(b);
		return rc < 0 ? rc : -ENOMEM;
	}
	b->fd = rc;
	*out = b;
	return 0;
}

void partner_board_close(struct partner_board *b)
{
	if (b == NULL)
		return;
	close(b->fd);
	pthread_mutex_destroy(&b->lock);
	OPENSSL_cleanse(b, sizeof(*b));
	free(b);
}

void partner_board_post(struct partner_board *b, const struct partner_view *view)
{
	pthread_mutex_lock(&b->lock);
	b->view = *view;
	atomic_fetch_add(&b->version, 1);
	pthread_mutex_unlock(&b->lock);
}

bool partner_board_take(struct partner_board *b, uint32_t *version, struct partner_view *view)
{
	if (atomic_load_explicit(&b->version, memory_order_relaxed) == *version)
		return false;
	pthread_mutex_lock(&b->lock);
	*view = b->view;
	*version = atomic_load_explicit(&b->version, memory_order_relaxed);
	pthread_mutex_unlock(&b->lock);
	return true;
}

bool partner_board_hand_over(struct partner_board *b, const struct partner_view *view,
			     const struct partner_hand *h)
{
	uint8_t buf[PARTNER_DATAGRAM_MAX];
	uint64_t number = atomic_fetch_add(&b->number, 1) + 1;
	struct udp_dgram d = { .data = partner_hand_over(view, h, number, buf), .peer = b->peer };
	bool has_errors = false;

	return d.data.len > 0 && udp_send_one(b->fd, &d, &has_errors) == 0;
}

void partner_board_note(struct partner_board *b, const struct partner_view *view,
			struct bytes datagram, const struct addr *from)
{
	struct stun_msg msg;
	unsigned int bit;

	if (stun_msg_parse(datagram, &msg) != STUN_OK || msg.class != STUN_SUCCESS ||
	    memcmp(msg.tid.bytes + 4, b->check_tag, PARTNER_CHECK_TAG_LEN) != 0)
		return;
	bit = msg.tid.bytes[15];
	if (bit >= PARTNER_FACES * PARTNER_PORTS)
		return;
	if (addr_equal(from, &view->faces[bit / PARTNER_PORTS].seen[bit % PARTNER_PORTS]))
		atomic_fetch_or(&b->checked, 1u << bit);
	else
		atomic_fetch_or(&b->astray, 1u << bit);
}
