/* conf_check - what values and keys of turnd's configuration must be. For turnd_conf.c alone. */
#ifndef NATKIT_TURND_CONF_CHECK_H
#define NATKIT_TURND_CONF_CHECK_H

#include "turnd_conf.h"

/* Sets the message; returns false, so that a caller can return it. */
bool conf_wrong(struct opt_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For the rows of the table. */
bool conf_check_alternate(const char *text, struct opt_error *err);
bool conf_check_control(const char *text, struct opt_error *err);
bool conf_check_country(const char *text, struct opt_error *err);
bool conf_check_kick(const char *text, struct opt_error *err);
bool conf_check_network(const char *text, struct opt_error *err);
bool conf_check_ports(const char *text, struct opt_error *err);
bool conf_check_realm(const char *text, struct opt_error *err);
bool conf_check_relay(const char *text, struct opt_error *err);
bool conf_check_separator(const char *text, struct opt_error *err);
bool conf_check_server_name(const char *text, struct opt_error *err);
bool conf_check_token_name(const char *text, struct opt_error *err);
bool conf_check_uri(const char *text, struct opt_error *err);

/* What no row can know. The message begins with the key, for opt_locate. */
bool conf_check(const struct turnd_conf *c, struct opt_error *err);

#endif
