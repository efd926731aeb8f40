#include "mmdb_geo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct geo *mmdb_geo(const struct mmdb_row *rows, size_t count)
{
	char path[] = "/tmp/natkit-geo-XXXXXX";
	uint8_t bytes[MMDB_WRITE_MAX];
	size_t len = mmdb_write(rows, count, bytes);
	struct geo *g = geo_new();
	const char *why = "";
	int fd = mkstemp(path);

	assert_true(g != NULL && fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	if (!geo_add(g, path, &why))
		fail_msg("%s", why);
	unlink(path);
	return g;
}
