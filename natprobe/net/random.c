#include "random.h"

#include <openssl/rand.h>
#include <stdlib.h>

void random_draw(void *arg, void *buf, size_t len)
{
	if (RAND_bytes(buf, (int)len) != 1)
		abort();
}
