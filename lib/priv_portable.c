/* priv_sys on systems that have no way to forbid them. */
#include "priv_sys.h"

#include <errno.h>

int priv_forbid_new_privs(void)
{
	return -ENOSYS;
}
