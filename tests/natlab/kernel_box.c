#include <config.h>

#include "kernel_box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "netconf.h"
#include "sockaddr.h"

#define LAN "lan"
#define WAN "wan"

/* Debian keeps both where ordinary users do not look. */
#define SBIN "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin "
#define NFT  SBIN "exec nft -f -"

#define PMP_PORT    5351
#define UPNP_MAX_MS 2000

/* What miniupnpd writes its rules into; they come before the profile's own. */
static const char upnp_rules[] =
	"table inet miniupnpd {\n"
	"	chain miniupnpd { }\n"
	"	chain prerouting_miniupnpd { }\n"
	"	chain postrouting_miniupnpd { }\n"
	"	chain forward {\n"
	"		type filter hook forward priority -1;\n"
	"		jump miniupnpd\n"
	"	}\n"
	"	chain prerouting {\n"
	"		type nat hook prerouting priority dstnat;\n"
	"		jump prerouting_miniupnpd\n"
	"	}\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat - 1;\n"
	"		jump postrouting_miniupnpd\n"
	"	}\n"
	"}\n"
	"table ip natlab {\n"
	"	chain forward { }\n"
	"}\n"
	"insert rule ip natlab forward iifname \"" WAN "\" ct status dnat accept\n";

static const char upnp_conf[] = "ext_ifname=" WAN "\n"
				"listening_ip=" LAN "\n"
				"enable_upnp=yes\n"
				"enable_natpmp=yes\n"
				"secure_mode=yes\n"
				"friendly_name=natlab\n"
				"uuid=8c2e6f3a-0000-4000-8000-6e61746c6162\n"
				"upnp_table_name=miniupnpd\n"
				"upnp_nat_table_name=miniupnpd\n"
				"upnp_forward_chain=miniupnpd\n"
				"upnp_nat_chain=prerouting_miniupnpd\n"
				"upnp_nat_postrouting_chain=postrouting_miniupnpd\n"
				"allow 1-65535 0.0.0.0/0 1-65535\n"
				"deny 0-65535 0.0.0.0/0 0-65535\n";

static bool load_rules(const struct lab_box *box, struct lab_error *err)
{
	FILE *nft = popen(NFT, "we");
	bool written;
	int status;

	if (nft == NULL)
		return lab_fail(err, "%s: cannot run nft: %s", box->name, strerror(errno));
	written = fputs(box->nft, nft) >= 0 && (!box->upnp || fputs(upnp_rules, nft) >= 0);
	status = pclose(nft);
	if (written && status == 0)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return lab_fail(err,
				"%s is Linux itself and needs nft: install nftables, or add "
				"--engine=model",
				box->name);
	return lab_fail(err,
			"%s: nft does not take the rules (see above); the kernel may lack "
			"nf_tables or NAT: --engine=model does without",
			box->name);
}

/* The world is all behind wan: no network has to be known there. */
static int set_addresses(const struct lab_box *box)
{
	uint8_t family = box->inside.family;
	int rc = netconf_add_address(LAN, &box->inside, lab_prefix_len(&box->inside));

	for (size_t i = 0; rc == 0 && i < box->config.external_count; i++)
		rc = netconf_add_address(WAN, &box->config.externals[i],
					 (uint8_t)(addr_ip_len(family) * 8));
	return rc == 0 ? netconf_add_default(WAN, family, NULL, 0, 0) : rc;
}

bool kernel_box_build(const struct lab_box *box, struct lab_error *err)
{
	int rc = set_addresses(box);

	if (rc != 0)
		return lab_fail(err, "%s: cannot set its addresses: %s", box->name, strerror(-rc));
	netconf_forward();
	return load_rules(box, err);
}

/* A file without a name, which others open by the path below. */
static int open_file(const char *text)
{
	int fd = memfd_create("natlab", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool kernel_box_upnp(const struct lab_box *box, char command[static KERNEL_BOX_COMMAND_MAX],
		     struct lab_error *err)
{
	int conf, pid_file, self = (int)getpid();

	if (system(SBIN "command -v miniupnpd > /dev/null") != 0)
		return lab_fail(err, "%s: --upnp needs miniupnpd: install miniupnpd-nftables",
				box->name);
	conf = open_file(upnp_conf);
	/* It removes its pid file in the end, and can remove this one least of all. */
	pid_file = open_file("");
	if (conf < 0 || pid_file < 0)
		return lab_fail(err, "%s: cannot make a file: %s", box->name, strerror(errno));
	snprintf(command, KERNEL_BOX_COMMAND_MAX,
		 SBIN "exec miniupnpd -d -f /proc/%d/fd/%d -P /proc/%d/fd/%d > /dev/null 2>&1",
		 self, conf, self, pid_file);
	return true;
}

/* Somebody else has the port. */
static bool is_taken(const struct addr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = sockaddr_from_addr(at, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool taken = fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) != 0 && errno == EADDRINUSE;

	if (fd >= 0)
		close(fd);
	return taken;
}

bool kernel_box_await_upnp(const struct lab_box *box, struct lab_error *err)
{
	static const struct timespec moment = { .tv_nsec = 1000000 };
	struct addr at = addr_with_port(&box->inside, PMP_PORT);

	for (int i = 0; i < UPNP_MAX_MS; i++) {
		if (is_taken(&at))
			return true;
		nanosleep(&moment, NULL);
	}
	return lab_fail(err, "%s: miniupnpd does not start; is it that of miniupnpd-nftables?",
			box->name);
}

int kernel_box_move(const struct addr *before, const struct addr *next)
{
	uint8_t bits = (uint8_t)(addr_ip_len(next->family) * 8);
	int rc = netconf_add_address(WAN, next, bits);

	if (rc == 0)
		rc = netconf_remove_address(WAN, before, bits);
	/* What used it goes with it, but tracked connections stay. */
	return rc == 0 ? netconf_forget_connections() : rc;
}
