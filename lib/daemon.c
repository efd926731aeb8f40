#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "priv.h"
#include "sockaddr.h"
#include "udp.h"
#include "worker.h"

struct event_base *daemon_base_new(void)
{
	if (worker_setup() != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return NULL;
	return event_base_new();
}

bool daemon_on_signal(struct event_base *base, int sig, event_callback_fn call, void *arg,
		      struct event **out)
{
	*out = evsignal_new(base, sig, call, arg);
	return *out != NULL && event_add(*out, NULL) == 0;
}

size_t daemon_workers(int64_t wanted, size_t most)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (wanted > 0)
		return (size_t)wanted;
	if (cores < 1)
		return 1;
	return (size_t)cores < most ? (size_t)cores : most;
}

static int try_udp(const struct addr *local)
{
	static const struct udp_options options = { 0 };

	return udp_open(local, &options, NULL);
}

/* What was served here a moment ago is no hindrance, but a server that listens is. */
static int try_tcp(const struct addr *local)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(local, &sa);
	int on = 1, fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    (local->family == ADDR_IPV6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
	    bind(fd, (struct sockaddr *)&sa, len) != 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int daemon_check_unused(const struct addr *local, bool streams)
{
	char text[ADDR_TEXT_MAX];
	int fd = streams ? try_tcp(local) : try_udp(local);

	if (fd == -EADDRINUSE) {
		log_event(LOG_LEVEL_ERROR, "listen", "%s is in use; does another server run?",
			  addr_print(local, text));
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

static const char *remedy_for(int rc, const struct addr *local)
{
	if (rc == -EACCES && local->port < 1024)
		return "; ports below 1024 take root, or CAP_NET_BIND_SERVICE";
	if (rc == -EADDRNOTAVAIL)
		return "; is it an address of this host?";
	return "";
}

void daemon_tell_not_opened(const struct addr *local, const char *what, int rc, bool missing)
{
	char text[ADDR_TEXT_MAX];

	log_event(missing ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "listen",
		  "cannot open %s on %s: %s%s", what, addr_print(local, text), strerror(-rc),
		  missing ? "" : remedy_for(rc, local));
}

void daemon_raise_descriptors(uint64_t need, const char *what, const char *cure)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
		return;
	limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : (rlim_t)need;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < need)
		log_event(LOG_LEVEL_WARN, "start",
			  "%s %llu descriptors, and %llu are allowed; raise the limit (ulimit -n, "
			  "LimitNOFILE), or %s",
			  what, (unsigned long long)need, (unsigned long long)limit.rlim_cur, cure);
}

void daemon_forbid_privileges(void)
{
	(void)priv_drop(NULL);
}

bool daemon_drop_privileges(const char *user)
{
	struct priv_result result = priv_drop(user);
	const char *text = priv_outcome_text(result.outcome);

	if (!priv_may_go_on(result.outcome, user != NULL))
		log_event(LOG_LEVEL_ERROR, "user", "%s: %s%s%s; name another one, or none", user,
			  text, result.error != 0 ? ": " : "",
			  result.error != 0 ? strerror(result.error) : "");
	else if (result.outcome == PRIV_ROOT)
		log_event(LOG_LEVEL_WARN, "user", "%s", text);
	else
		log_event(LOG_LEVEL_INFO, "user", "%s", text);
	return priv_may_go_on(result.outcome, user != NULL);
}

bool daemon_open_admin(struct event_base *base, const char *where, const struct admin_hooks *hooks,
		       struct admin **out)
{
	struct addr local;
	char text[ADDR_TEXT_MAX];
	int rc;

	*out = NULL;
	if (where == NULL || !addr_parse_loopback(where, &local))
		return true;
	rc = admin_open(base, &local, hooks, NULL, out);
	addr_print(&local, text);
	if (rc != 0)
		log_event(LOG_LEVEL_ERROR, "admin", "cannot listen on %s: %s", text, strerror(-rc));
	else if (!addr_is_loopback(&local))
		log_event(LOG_LEVEL_WARN, "admin",
			  "http://%s/metrics, open to whoever reaches that address", text);
	else
		log_event(LOG_LEVEL_INFO, "admin", "http://%s/metrics", text);
	return rc == 0;
}
