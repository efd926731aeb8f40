#include "dgram_bio.h"

#define IP_UDP_OVERHEAD 48 /* IPv6 */

/*
 * Like a UDP socket: one datagram per call, what does not fit is lost. An empty one is
 * nothing: OpenSSL would take it for the end.
 */
static int on_read(BIO *bio, char *buf, int cap)
{
	struct dgram_bio *end = BIO_get_data(bio);
	size_t len = end->in.len;

	BIO_clear_retry_flags(bio);
	if (len == 0 || cap <= 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (len > (size_t)cap)
		len = (size_t)cap;
	memcpy(buf, end->in.data, len);
	end->in = (struct bytes){ 0 };
	return (int)len;
}

static int on_write(BIO *bio, const char *data, int len)
{
	struct dgram_bio *end = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (len < 0)
		return -1;
	end->on_write(bytes_of(data, (size_t)len), end->arg);
	return len;
}

static long on_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	struct dgram_bio *end = BIO_get_data(bio);

	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
	case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
		return 1;
	case BIO_CTRL_PENDING:
		return (long)end->in.len;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_MTU:
	case BIO_CTRL_DGRAM_SET_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return end->mtu;
	case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD:
		return IP_UDP_OVERHEAD;
	default:
		return 0;
	}
}

static int on_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *dgram_bio_method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "natkit datagrams");

	if (m == NULL)
		return NULL;
	if (BIO_meth_set_read(m, on_read) == 1 && BIO_meth_set_write(m, on_write) == 1 &&
	    BIO_meth_set_ctrl(m, on_ctrl) == 1 && BIO_meth_set_create(m, on_create) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

BIO *dgram_bio_new(const BIO_METHOD *method, struct dgram_bio *end)
{
	BIO *bio = BIO_new(method);

	if (bio != NULL)
		BIO_set_data(bio, end);
	return bio;
}
