#include <config.h>

#include "kernel_box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "netconf.h"

#define LAN "lan"
#define WAN "wan"

/* Debian keeps nft where ordinary users do not look. */
#define NFT "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin exec nft -f -"

static bool load_rules(const struct lab_box *box, struct lab_error *err)
{
	FILE *nft = popen(NFT, "we");
	bool written;
	int status;

	if (nft == NULL)
		return lab_fail(err, "%s: cannot run nft: %s", box->name, strerror(errno));
	written = fputs(box->nft, nft) >= 0;
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

int kernel_box_move(const struct addr *before, const struct addr *next)
{
	uint8_t bits = (uint8_t)(addr_ip_len(next->family) * 8);
	int rc = netconf_add_address(WAN, next, bits);

	if (rc == 0)
		rc = netconf_remove_address(WAN, before, bits);
	/* What used it goes with it, but tracked connections stay. */
	return rc == 0 ? netconf_forget_connections() : rc;
}
