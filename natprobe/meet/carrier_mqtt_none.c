/* A build without libmosquitto: configure has not found it, or was told not to use it. */
#include "carrier_link.h"

const struct carrier_link_ops *carrier_mqtt_ops(void)
{
	return NULL;
}
