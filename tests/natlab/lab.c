#include "lab.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "event_log.h"
#include "fabric.h"
#include "kernel_box.h"
#include "name_server.h"
#include "netconf.h"
#include "ports.h"
#include "servers.h"
#include "spaces.h"

#define REBOOT_US         1000000 /* how long a box takes to come back */
#define SERVERS_INTERFACE "eth0"
#define FIRST_TABLE       100 /* of routes, one for each interface of a host that has several */

struct node {
	int space; /* -1: none */
};

struct lab {
	struct lab_config config;
	struct lab_plan plan;
	struct fabric *fabric;
	struct event_base *base;
	struct event *on_timer, *on_int, *on_term, *on_hup;
	struct processes *processes;
	struct servers *servers;
	struct node servers_node;
	struct node hosts[LAB_HOSTS_MAX];
	struct node boxes[LAB_BOXES_MAX]; /* those in the kernel */
	struct port *servers_port;
	struct port *nics[LAB_HOSTS_MAX][LAB_NICS_MAX];
	struct name_server *names[LAB_HOSTS_MAX];
	struct port *kernel[LAB_BOXES_MAX][2]; /* by enum nat_side */
	bool has_ipv6;
	bool is_ready; /* commands run */
	int status;
};

uint64_t lab_seed(int64_t given)
{
	uint64_t seed = (uint64_t)given;

	if (seed == 0 && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = 1;
	return seed;
}

/* --- packets --- */

static void on_timer(evutil_socket_t fd, short events, void *arg);

/* Moves what is due, and comes back when more is. */
static void run_fabric(struct lab *lab)
{
	uint64_t now_us = clock_us();
	uint64_t next_us = fabric_run(lab->fabric, now_us);

	if (next_us == UINT64_MAX) {
		event_del(lab->on_timer);
		return;
	}
	uint64_t wait_us = next_us > now_us ? next_us - now_us : 0;
	struct timeval wait = { .tv_sec = (time_t)(wait_us / 1000000),
				.tv_usec = (suseconds_t)(wait_us % 1000000) };
	event_add(lab->on_timer, &wait);
}

static void on_timer(evutil_socket_t fd, short events, void *arg)
{
	run_fabric(arg);
}

static void on_batch_end(void *arg)
{
	run_fabric(arg);
}

static void on_servers_packet(void *arg, const struct port_id *id, struct bytes packet)
{
	struct lab *lab = arg;

	fabric_from_servers(lab->fabric, packet, clock_us());
}

static void on_host_packet(void *arg, const struct port_id *id, struct bytes packet)
{
	struct lab *lab = arg;

	fabric_from_host(lab->fabric, id->node, id->which, packet, clock_us());
}

static void on_kernel_packet(void *arg, const struct port_id *id, struct bytes packet)
{
	struct lab *lab = arg;

	fabric_from_kernel(lab->fabric, id->node, (enum nat_side)id->which, packet, clock_us());
}

static void to_host(void *arg, size_t host, size_t nic, struct bytes packet)
{
	struct lab *lab = arg;

	port_send(lab->nics[host][nic], packet);
}

static void to_servers(void *arg, struct bytes packet)
{
	struct lab *lab = arg;

	port_send(lab->servers_port, packet);
}

static void to_kernel(void *arg, size_t box, enum nat_side side, struct bytes packet)
{
	struct lab *lab = arg;

	port_send(lab->kernel[box][side], packet);
}

static void on_decision(void *arg, size_t box, const struct nat_event *event)
{
	struct lab *lab = arg;

	event_log_write(lab->config.log, lab->plan.boxes[box].name, event);
}

/* --- building --- */

static bool fail(struct lab_error *err, int rc, const char *node, const char *what)
{
	return lab_fail(err, "%s: cannot %s: %s", node, what, strerror(-rc));
}

static bool open_space(struct node *node, bool ipv6, struct lab_error *err)
{
	node->space = space_new();
	if (node->space < 0)
		return spaces_explain(err, -node->space, "cannot make a network namespace");
	netconf_prepare(ipv6);
	return true;
}

/* In the namespace that we are in. */
static struct port *open_port(struct lab *lab, const char *interface, struct port_id id,
			      port_reader *on_packet, struct lab_error *err)
{
	struct port_config config = { .base = lab->base,
				      .interface = interface,
				      .id = id,
				      .on_packet = on_packet,
				      .on_batch_end = on_batch_end,
				      .arg = lab };

	return port_open(&config, err);
}

static int configure_servers(uint8_t family)
{
	int rc = 0;

	for (unsigned which = 0; rc == 0 && which < 2; which++) {
		struct addr a = nat_plan_server(family, which);

		rc = netconf_add_address(SERVERS_INTERFACE, &a, (uint8_t)(addr_ip_len(family) * 8));
	}
	return rc == 0 ? netconf_add_default(SERVERS_INTERFACE, family, NULL, 0, 0) : rc;
}

static bool build_servers(struct lab *lab, struct lab_error *err)
{
	struct port_id id = { 0 };
	int rc;

	if (!open_space(&lab->servers_node, true, err))
		return false;
	lab->servers_port = open_port(lab, SERVERS_INTERFACE, id, on_servers_packet, err);
	if (lab->servers_port == NULL)
		return false;
	rc = configure_servers(ADDR_IPV4);
	/* Some kernels have no IPv6. */
	lab->has_ipv6 = configure_servers(ADDR_IPV6) == 0;
	return rc == 0 || fail(err, rc, LAB_SERVERS, "set addresses");
}

/* Each interface has a default route; the first one's is preferred, but what comes from the
 * address of another one leaves there. */
static int configure_nic(const struct lab_host *host, size_t n, const char *interface)
{
	const struct lab_nic *nic = &host->nics[n];
	uint8_t family = nic->addr.family;
	uint32_t table = FIRST_TABLE + (uint32_t)n;
	int rc = netconf_add_address(interface, &nic->addr, lab_prefix_len(&nic->addr));

	if (rc == 0 && nic->second.family != ADDR_NONE)
		rc = netconf_add_address(interface, &nic->second, lab_prefix_len(&nic->second));
	if (rc == 0)
		rc = netconf_add_default(interface, family, &nic->gateway, 0,
					 (uint32_t)(100 * (n + 1)));
	if (rc != 0 || host->nic_count == 1)
		return rc;
	rc = netconf_add_default(interface, family, &nic->gateway, table, 0);
	if (rc == 0 && nic->second.family != ADDR_NONE)
		rc = netconf_add_rule(&nic->second, table);
	return rc != 0 ? rc : netconf_add_rule(&nic->addr, table);
}

static bool has_ipv6(const struct lab_host *host)
{
	for (size_t n = 0; n < host->nic_count; n++) {
		if (host->nics[n].addr.family == ADDR_IPV6)
			return true;
	}
	return false;
}

/* We are in the host's namespace. */
static bool open_names(struct lab *lab, size_t h, struct lab_error *err)
{
	const struct lab_host *host = &lab->plan.hosts[h];
	uint8_t len;
	struct addr prefix = lab_dns_nat64(&lab->plan, host, &len);
	int rc = name_server_open(lab->base, &prefix, len, &lab->names[h]);

	return rc == 0 || fail(err, rc, host->name, "answer DNS");
}

static bool build_host(struct lab *lab, size_t h, struct lab_error *err)
{
	const struct lab_host *host = &lab->plan.hosts[h];

	if (!open_space(&lab->hosts[h], has_ipv6(host), err) || !open_names(lab, h, err))
		return false;
	for (size_t n = 0; n < host->nic_count; n++) {
		struct port_id id = { .node = (uint8_t)h, .which = (uint8_t)n };
		char interface[16];

		snprintf(interface, sizeof(interface), "eth%zu", n);
		lab->nics[h][n] = open_port(lab, interface, id, on_host_packet, err);
		if (lab->nics[h][n] == NULL)
			return false;
		int rc = configure_nic(host, n, interface);
		if (rc != 0)
			return fail(err, rc, host->name, "set its address");
	}
	return true;
}

/* We are in the box's namespace. */
static bool start_upnp(struct lab *lab, size_t b, struct lab_error *err)
{
	const struct lab_box *box = &lab->plan.boxes[b];
	char command[KERNEL_BOX_COMMAND_MAX];
	struct process p = { .space = lab->boxes[b].space,
			     .command = command,
			     .input = -1,
			     .output = -1,
			     .background = true };

	if (!kernel_box_upnp(box, command, err))
		return false;
	pid_t pid = processes_start(lab->processes, &p);
	return pid > 0 ? kernel_box_await_upnp(box, err)
		       : fail(err, pid, box->name, "run miniupnpd");
}

static bool build_kernel_box(struct lab *lab, size_t b, struct lab_error *err)
{
	static const char *const interfaces[] = { [NAT_INSIDE] = "lan", [NAT_OUTSIDE] = "wan" };
	const struct lab_box *box = &lab->plan.boxes[b];

	if (!open_space(&lab->boxes[b], box->inside.family == ADDR_IPV6, err))
		return false;
	for (uint8_t side = 0; side < 2; side++) {
		struct port_id id = { .node = (uint8_t)b, .which = side };

		lab->kernel[b][side] = open_port(lab, interfaces[side], id, on_kernel_packet, err);
		if (lab->kernel[b][side] == NULL)
			return false;
	}
	return kernel_box_build(box, err) && (!box->upnp || start_upnp(lab, b, err));
}

static bool build(struct lab *lab, struct lab_error *err)
{
	for (size_t b = 0; b < lab->plan.box_count; b++) {
		if (lab->plan.boxes[b].nft != NULL && !build_kernel_box(lab, b, err))
			return false;
	}
	for (size_t h = 0; h < lab->plan.host_count; h++) {
		if (!build_host(lab, h, err))
			return false;
	}
	return true;
}

/* --- life --- */

static void on_servers_ready(void *arg, const char *why)
{
	struct lab *lab = arg;
	char text[LAB_ENV_TEXT * 4];

	if (why == NULL) {
		lab->is_ready = true;
		lab->config.on_ready(lab->config.arg, lab);
		return;
	}
	snprintf(text, sizeof(text), "stund does not start: %s", why);
	lab_give_up(lab, text);
}

static void on_signal(evutil_socket_t sig, short events, void *arg)
{
	struct lab *lab = arg;

	if (!lab->is_ready)
		lab_stop(lab, EXIT_BY_SIGNAL + (int)sig);
	else if (sig == SIGINT)
		return; /* from a terminal: the commands have it as well */
	else if (lab->config.on_signal != NULL)
		lab->config.on_signal(lab->config.arg, lab);
	else
		processes_signal(lab->processes, (int)sig);
}

static struct event_base *open_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
		base = event_base_new_with_config(config);
	if (config != NULL)
		event_config_free(config);
	return base;
}

/* Until now they waited. */
static bool hear_signals(struct lab *lab)
{
	if (lab->on_int == NULL || lab->on_term == NULL || lab->on_hup == NULL ||
	    event_add(lab->on_term, NULL) != 0 ||
	    (!spaces_ignores(SIGINT) && event_add(lab->on_int, NULL) != 0) ||
	    (!spaces_ignores(SIGHUP) && event_add(lab->on_hup, NULL) != 0))
		return false;
	spaces_hear_signals();
	return true;
}

static bool open_loop(struct lab *lab)
{
	struct fabric_io io = { .to_host = to_host,
				.to_servers = to_servers,
				.to_kernel = to_kernel,
				.log = lab->config.log != NULL ? on_decision : NULL,
				.arg = lab };

	lab->base = open_base();
	if (lab->base == NULL)
		return false;
	lab->fabric = fabric_new(&lab->plan, &io);
	lab->processes = processes_new(lab->base);
	lab->on_timer = evtimer_new(lab->base, on_timer, lab);
	lab->on_int = evsignal_new(lab->base, SIGINT, on_signal, lab);
	lab->on_term = evsignal_new(lab->base, SIGTERM, on_signal, lab);
	lab->on_hup = evsignal_new(lab->base, SIGHUP, on_signal, lab);
	return lab->fabric != NULL && lab->processes != NULL && lab->on_timer != NULL &&
	       hear_signals(lab);
}

struct lab *lab_open(const struct lab_config *config, struct lab_error *err)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	struct servers_config servers;

	if (lab == NULL) {
		lab_fail(err, "out of memory");
		return NULL;
	}
	lab->config = *config;
	lab->plan = *config->plan;
	lab->servers_node.space = -1;
	for (size_t i = 0; i < LAB_HOSTS_MAX; i++)
		lab->hosts[i].space = -1;
	for (size_t i = 0; i < LAB_BOXES_MAX; i++)
		lab->boxes[i].space = -1;
	if (!open_loop(lab)) {
		lab_fail(err, "out of memory");
		goto fail;
	}
	if (!build_servers(lab, err))
		goto fail;
	/* They take a moment, in which we build the rest. */
	servers = (struct servers_config){ .base = lab->base,
					   .processes = lab->processes,
					   .space = lab->servers_node.space,
					   .ipv6 = lab->has_ipv6,
					   .stund = config->stund,
					   .on_ready = on_servers_ready,
					   .arg = lab };
	lab->servers = servers_start(&servers, err);
	if (lab->servers == NULL || !build(lab, err))
		goto fail;
	return lab;
fail:
	lab_close(lab);
	return NULL;
}

static void close_event(struct event *e)
{
	if (e != NULL)
		event_free(e);
}

static void close_space(const struct node *node)
{
	if (node->space >= 0)
		close(node->space);
}

void lab_close(struct lab *lab)
{
	if (lab == NULL)
		return;
	servers_free(lab->servers);
	processes_free(lab->processes);
	port_close(lab->servers_port);
	close_space(&lab->servers_node);
	for (size_t h = 0; h < LAB_HOSTS_MAX; h++) {
		name_server_close(lab->names[h]);
		for (size_t n = 0; n < LAB_NICS_MAX; n++)
			port_close(lab->nics[h][n]);
		close_space(&lab->hosts[h]);
	}
	for (size_t b = 0; b < LAB_BOXES_MAX; b++) {
		port_close(lab->kernel[b][NAT_INSIDE]);
		port_close(lab->kernel[b][NAT_OUTSIDE]);
		close_space(&lab->boxes[b]);
	}
	fabric_free(lab->fabric);
	close_event(lab->on_timer);
	close_event(lab->on_int);
	close_event(lab->on_term);
	close_event(lab->on_hup);
	if (lab->base != NULL)
		event_base_free(lab->base);
	free(lab);
}

int lab_run(struct lab *lab)
{
	int rc = event_base_dispatch(lab->base);

	processes_end(lab->processes);
	return rc < 0 ? EXIT_OURS : lab->status;
}

void lab_stop(struct lab *lab, int status)
{
	lab->status = status;
	event_base_loopbreak(lab->base);
}

void lab_give_up(struct lab *lab, const char *why)
{
	fprintf(stderr, "natlab: %s\n", why);
	lab_stop(lab, EXIT_OURS);
}

struct event_base *lab_base(struct lab *lab)
{
	return lab->base;
}

const struct lab_plan *lab_plan(const struct lab *lab)
{
	return &lab->plan;
}

/* --- nodes --- */

int lab_space(const struct lab *lab, const char *node)
{
	int i;

	if (strcmp(node, LAB_SERVERS) == 0)
		return lab->servers_node.space;
	i = lab_find_host(&lab->plan, node);
	if (i >= 0)
		return lab->hosts[i].space;
	i = lab_find_box(&lab->plan, node);
	return i >= 0 ? lab->boxes[i].space : -1;
}

size_t lab_environment(const struct lab *lab, const char *node,
		       char env[static LAB_ENV_MAX][LAB_ENV_TEXT])
{
	int h = lab_find_host(&lab->plan, node);
	struct addr server = h >= 0 ? lab_server_seen(&lab->plan, &lab->plan.hosts[h], 0)
				    : nat_plan_server(ADDR_IPV4, 0);
	bool brackets = server.family == ADDR_IPV6;
	char text[ADDR_TEXT_MAX];

	addr_print_ip(&server, text);
	snprintf(env[0], LAB_ENV_TEXT, "NATLAB_NODE=%s", node);
	snprintf(env[1], LAB_ENV_TEXT, "NATPROBE_SERVER=%s%s%s", brackets ? "[" : "", text,
		 brackets ? "]" : "");
	snprintf(env[2], LAB_ENV_TEXT, "NATPROBE_RENDEZVOUS=http://%s%s%s/", brackets ? "[" : "",
		 text, brackets ? "]" : "");
	if (lab->config.control == NULL || lab->config.control[0] == '\0')
		return 3;
	const char *slash = strrchr(lab->config.control, '/');
	snprintf(env[3], LAB_ENV_TEXT, "NATLAB_DIR=%.*s", (int)(slash - lab->config.control),
		 lab->config.control);
	return 4;
}

pid_t lab_start(struct lab *lab, const char *node, struct process *p)
{
	char env[LAB_ENV_MAX][LAB_ENV_TEXT];
	size_t count = lab_environment(lab, node, env);

	p->space = lab_space(lab, node);
	for (size_t i = 0; i < count; i++)
		p->env[i] = env[i];
	p->env[count] = NULL;
	return processes_start(lab->processes, p);
}

static bool flush(struct lab *lab, size_t box, struct lab_error *err)
{
	int rc = 0;

	fabric_flush(lab->fabric, box, clock_us());
	if (lab->boxes[box].space >= 0)
		rc = space_enter(lab->boxes[box].space);
	if (rc == 0 && lab->boxes[box].space >= 0)
		rc = netconf_forget_connections();
	return rc == 0 || fail(err, rc, lab->plan.boxes[box].name, "forget its mappings");
}

static bool new_address(struct lab *lab, size_t box, struct lab_error *err)
{
	struct lab_box *plan = &lab->plan.boxes[box];
	struct addr before = plan->config.externals[0];
	struct addr next = fabric_new_address(lab->fabric, box, clock_us());

	if (next.family == ADDR_NONE)
		return lab_fail(err, "%s has no address outside: it does not translate",
				plan->name);
	plan->config.externals[0] = next;
	if (lab->boxes[box].space < 0)
		return true;
	int rc = space_enter(lab->boxes[box].space);
	if (rc == 0)
		rc = kernel_box_move(&before, &next);
	return rc == 0 || fail(err, rc, plan->name, "change its address");
}

bool lab_event(struct lab *lab, const char *node, const char *what, struct lab_error *err)
{
	int box = lab_find_box(&lab->plan, node);
	bool ok;

	if (box < 0)
		return lab_fail(err, "there is no box called %.40s%s", node,
				lab_find_host(&lab->plan, node) >= 0 ? "; it is a host" : "");
	if (strcmp(what, "flush") == 0) {
		ok = flush(lab, (size_t)box, err);
	} else if (strcmp(what, "reboot") == 0) {
		fabric_pause(lab->fabric, (size_t)box, clock_us() + REBOOT_US);
		ok = flush(lab, (size_t)box, err);
	} else if (strcmp(what, "new-address") == 0) {
		ok = new_address(lab, (size_t)box, err);
	} else {
		return lab_fail(err, "there is no event \"%.40s\": reboot, flush, new-address",
				what);
	}
	if (lab->config.log != NULL)
		event_log_note(lab->config.log, node, what, clock_us());
	run_fabric(lab);
	return ok;
}
