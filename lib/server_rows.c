#include "server_rows.h"

#include <string.h>

static bool wrong(struct opt_error *err, const char *text)
{
	snprintf(err->text, sizeof(err->text), "%s", text);
	return false;
}

bool server_check_admin(const char *text, struct opt_error *err)
{
	struct addr admin;

	return addr_parse_loopback(text, &admin) ||
	       wrong(err, "neither a port nor an address with one; write 9641 or 127.0.0.1:9641");
}

bool server_check_software(const char *text, struct opt_error *err)
{
	return strlen(text) <= 127 || wrong(err, "longer than 127 bytes; give a short name");
}
