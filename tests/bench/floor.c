#include <config.h> /* _GNU_SOURCE */

#include "tests/bench/floor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BATCH  64
#define BUFFER 2048

static struct mmsghdr msgs[BATCH];
static struct iovec iov[BATCH];
static struct sockaddr_in names[BATCH];
static unsigned char data[BATCH][BUFFER];

int floor_run(const struct addr *at, const struct udp_options *options, size_t answer_len)
{
	int fd = udp_open(at, options, NULL);

	if (fd < 0)
		return fd;
	fcntl(fd, F_SETFL, 0); /* to wait in recvmmsg itself is the cheapest */
	for (int i = 0; i < BATCH; i++) {
		iov[i].iov_base = data[i];
		msgs[i].msg_hdr.msg_name = &names[i];
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		int n;

		for (int i = 0; i < BATCH; i++) {
			iov[i].iov_len = BUFFER;
			msgs[i].msg_hdr.msg_namelen = sizeof(names[i]);
		}
		n = recvmmsg(fd, msgs, BATCH, MSG_WAITFORONE, NULL);
		if (n < 0)
			return -errno;
		for (int i = 0; i < n; i++) {
			data[i][0] = 0x01;
			data[i][1] = 0x01;
			iov[i].iov_len = answer_len;
		}
		sendmmsg(fd, msgs, (unsigned int)n, 0);
	}
}
