/*
 * mmdb_make NET/LEN COUNTRY ASN ORGANISATION - prints a database of one row; "-" leaves the
 * country, 0 the number, "" the name out. For tests/sys_beside.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmdb_write.h"

int main(int argc, char **argv)
{
	uint8_t bytes[MMDB_WRITE_MAX];
	struct mmdb_row row = { 0 };
	char net[ADDR_TEXT_MAX];
	size_t net_len, len;

	if (argc != 5 || strlen(argv[1]) >= sizeof(net)) {
		fprintf(stderr, "usage: mmdb_make NET/LEN COUNTRY ASN ORGANISATION\n");
		return 2;
	}
	net_len = strcspn(argv[1], "/");
	memcpy(net, argv[1], net_len);
	net[net_len] = '\0';
	row.net = net;
	row.prefix_len =
		argv[1][net_len] != '\0' ? (uint8_t)strtoul(argv[1] + net_len + 1, NULL, 10) : 32;
	row.country = strcmp(argv[2], "-") != 0 ? argv[2] : NULL;
	row.asn = (uint32_t)strtoul(argv[3], NULL, 10);
	row.organisation = argv[4][0] != '\0' ? argv[4] : NULL;
	len = mmdb_write(&row, 1, bytes);
	return fwrite(bytes, 1, len, stdout) == len && fflush(stdout) == 0 ? 0 : 1;
}
