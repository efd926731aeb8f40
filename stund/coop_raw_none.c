/* coop_raw where the system is not known to have any of it. */
#include "coop_raw.h"

#include <errno.h>

int coop_raw_open(uint8_t family)
{
	return -EOPNOTSUPP;
}

int coop_raw_send(int fd, const struct addr *to, struct bytes packet)
{
	return -EOPNOTSUPP;
}

int coop_raw_set_df(int fd, uint8_t family, enum coop_df df)
{
	return df == COOP_DF_ALWAYS ? -EOPNOTSUPP : 0;
}

int coop_raw_want_errors(int fd, uint8_t family)
{
	return 0; /* errno has to do: see coop_try.c */
}
