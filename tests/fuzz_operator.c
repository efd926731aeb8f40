/*
 * What strangers say to the operator's listeners, over real sockets. The first byte chooses: HTTP to
 * the admin listener, or a line to the control socket; and where the bytes are cut in two.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin.h"
#include "fuzz_check.h"
#include "sockaddr.h"
#include "turnd/control.h"

#define ROUNDS 64

static struct event_base *base;
static struct addr admin_at;
static struct sockaddr_un control_at = { .sun_family = AF_UNIX };
static unsigned int kicks, drains;

static void tell(struct metrics *m, void *arg)
{
	metrics_family(m, "x", METRICS_GAUGE, "A number.");
	metrics_count(m, NULL, 1);
}

static bool is_well(void *arg)
{
	return true;
}

static long list(void *arg, struct server_session **out)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL;
}

static bool kick(void *arg, uint16_t worker, uint64_t number)
{
	kicks++;
	return false;
}

static bool drain(void *arg, bool on, struct opt_error *why)
{
	drains++;
	return true;
}

static const char *realm_name(void *arg, uint64_t id)
{
	return NULL;
}

static void remove_control(void)
{
	(void)unlink(control_at.sun_path);
}

static void begin(void)
{
	static const struct admin_hooks admin_hooks = { .metrics = tell,
							.is_healthy = is_well,
							.is_ready = is_well };
	static const struct control_hooks control_hooks = {
		.list = list, .kick = kick, .drain = drain, .realm_name = realm_name
	};
	const struct addr loopback = addr_ipv4(127, 0, 0, 1, 0);
	struct control *control;
	struct admin *admin;

	snprintf(control_at.sun_path, sizeof(control_at.sun_path), "/tmp/natkit-fuzz-%d",
		 (int)getpid());
	base = event_base_new();
	FUZZ_CHECK(base != NULL);
	FUZZ_CHECK(admin_open(base, &loopback, &admin_hooks, &admin_at, &admin) == 0);
	FUZZ_CHECK(control_open(base, control_at.sun_path, &control_hooks, &control) == 0);
	FUZZ_CHECK(atexit(remove_control) == 0);
}

/* Another address of loopback each time, where there are more: or ports run out. */
static void leave_from_anywhere(int fd)
{
	static uint16_t count;
	struct addr from = addr_ipv4(127, 1, (uint8_t)(count >> 8), (uint8_t)count, 0);
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(&from, &sa);

	count++;
	(void)bind(fd, (struct sockaddr *)&sa, len);
}

static int dial_admin(void)
{
	const struct linger at_once = { .l_onoff = 1 };
	struct sockaddr_storage to;
	socklen_t len = sockaddr_from_addr(&admin_at, &to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FUZZ_CHECK(fd >= 0);
	leave_from_anywhere(fd);
	FUZZ_CHECK(connect(fd, (struct sockaddr *)&to, len) == 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	return fd;
}

static int dial_control(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	FUZZ_CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&control_at, sizeof(control_at)) == 0);
	return fd;
}

static void turn(void)
{
	FUZZ_CHECK(event_base_loop(base, EVLOOP_NONBLOCK) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char answer[512];
	ssize_t got = -1;
	size_t cut;
	int fd;

	if (len < 2)
		return 0;
	if (base == NULL)
		begin();
	fd = data[0] % 2 ? dial_control() : dial_admin();
	cut = data[1] < len - 2 ? data[1] : len - 2;
	(void)send(fd, data + 2, cut, MSG_NOSIGNAL);
	turn();
	(void)send(fd, data + 2 + cut, len - 2 - cut, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	for (int i = 0; i < ROUNDS && got != 0; i++) {
		turn();
		got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	}
	close(fd);
	turn();
	return 0;
}
