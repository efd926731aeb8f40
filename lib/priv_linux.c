/* priv_sys on Linux: forbids new privileges for good. */
#include "priv_sys.h"

#include <errno.h>
#include <sys/prctl.h>

int priv_forbid_new_privs(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0 ? 0 : -errno;
}
