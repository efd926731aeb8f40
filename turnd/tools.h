/*
 * tools - what turnd does instead of serving.
 */
#ifndef NATKIT_TURND_TOOLS_H
#define NATKIT_TURND_TOOLS_H

#include "turnd_conf.h"

/* Longest password that is read. */
#define TOOLS_PASSWORD_MAX 763

/*
 * Puts the keys of user conf->add_user, whose password `in` says on its first line (a terminal is
 * asked twice, and echoes nothing), into conf->base.password_file: a new line, or in the place of
 * the one that is there. The file is replaced at once, and readable by its owner only, and by its
 * group where that could read it before.
 */
bool tools_add_user(const struct turnd_conf *conf, FILE *in, struct opt_error *err);

/* Takes the line of user conf->remove_user out of that file; false where there is none. */
bool tools_remove_user(const struct turnd_conf *conf, struct opt_error *err);

/*
 * Prints a credential for conf->make_credential that is good until now_s + conf->ttl_ms, as the
 * RTCIceServer of WebRTC.
 */
bool tools_make_credential(const struct turnd_conf *conf, uint64_t now_s, FILE *out,
			   struct opt_error *err);

/*
 * Does what the command line asks for in place of a server: these, a text, an order for the
 * turnd at the control socket. Returns false where it asks for none; else *rc is for exit().
 */
bool tools_run(const struct turnd_conf *conf, int *rc);

#endif
