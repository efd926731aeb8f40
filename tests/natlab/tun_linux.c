#include <config.h>

#include "tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "spaces.h"

#define DEVICE "/dev/net/tun"

int tun_open(const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &req) != 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

bool tun_explain(struct lab_error *err, int error)
{
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		return lab_fail(err, "there is no " DEVICE ": as root, modprobe tun; a container "
				     "gets it by: docker run --device " DEVICE
				     " --cap-add NET_ADMIN --cap-add SYS_ADMIN");
	if (error == EACCES && access(DEVICE, R_OK | W_OK) != 0)
		return lab_fail(err, "not allowed to open " DEVICE ": run natlab as root, or, "
				     "as root: chmod 666 " DEVICE);
	return spaces_explain(err, error, "cannot make a TUN interface");
}

int tun_read(int fd, void *buf, size_t cap)
{
	ssize_t n = read(fd, buf, cap);

	return n < 0 ? -errno : (int)n;
}

int tun_write(int fd, struct bytes packet)
{
	ssize_t n = write(fd, packet.data, packet.len);

	return n < 0 ? -errno : (int)n;
}
