/*
 * control - a laboratory that runs takes orders through a Unix socket: enter a node, make an
 * event happen, go down. One order is one message, and so is the answer. Both ends see to it
 * that the other one is of the same user.
 */
#ifndef NATLAB_CONTROL_H
#define NATLAB_CONTROL_H

#include <sys/un.h>

#include "lab.h"
#include "spaces.h"

#define CONTROL_PATH_MAX 104 /* what a Unix socket's address holds */
#define CONTROL_TEXT_MAX 1024
#define CONTROL_ENTER    "enter"
#define CONTROL_EVENT    "event"
#define CONTROL_DOWN     "down"

/* ---- control_path.c ---- */
/*
 * The path of the socket in `dir`; NULL: in $NATLAB_DIR, in $XDG_RUNTIME_DIR/natlab, or in
 * /tmp/natlab-UID. The directory is made where it is missing. Before namespaces change who we are.
 */
bool control_path(const char *dir, char path[static CONTROL_PATH_MAX], struct lab_error *err);

/*
 * Makes the directory of the path ours alone, until this process and what it starts have ended.
 * False, and *err, where a laboratory has it already.
 */
bool control_claim(const char *path, struct lab_error *err);

struct sockaddr_un control_address(const char *path);

/* Whether the other end of a connection is of our user. */
bool control_is_ours(int fd);

/* ---- control.c ---- */
struct control;

/* Listens at a path that was claimed. NULL, and *err. */
struct control *control_open(struct lab *lab, const char *path, struct lab_error *err);
void control_close(struct control *c); /* NULL is fine; removes the socket */

/* ---- control_ask.c ---- */
struct control_answer {
	bool ok;
	char text[CONTROL_TEXT_MAX]; /* what is wrong, or what was asked for */
	int fds[SPACE_KINDS];        /* of CONTROL_ENTER; else -1 */
};

/* Gives one order. False, and *err, where nobody takes it; the answer may still be a no. */
bool control_ask(const char *path, const char *order, struct control_answer *answer,
		 struct lab_error *err);

#endif
