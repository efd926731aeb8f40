#include "fd_out.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd_again.h"

/* Files and the like never make anybody wait for long. */
static bool may_wait(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd));
}

void fd_out_open(struct fd_out *o, int fd)
{
	int flags, own;

	*o = (struct fd_out){ .fd = fd, .lent_fd = fd, .flags = -1 };
	if (!may_wait(fd))
		return;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || (flags & O_NONBLOCK) != 0)
		return;
	own = fd_again(fd);
	if (own >= 0)
		o->fd = own;
	else if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
		o->flags = flags;
}

void fd_out_close(struct fd_out *o)
{
	if (o->fd != o->lent_fd)
		close(o->fd);
	if (o->flags >= 0)
		(void)fcntl(o->lent_fd, F_SETFL, o->flags);
	o->fd = o->lent_fd;
	o->flags = -1;
}

void fd_out_end(struct fd_out *o)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	fd_out_close(o);
	if (null < 0)
		return;
	(void)dup2(null, o->lent_fd);
	close(null);
}
