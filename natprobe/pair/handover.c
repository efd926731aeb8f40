#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "natprobe/pair/no_core.h"

#define ARGUMENT_MAX 4096
#define WORD_MAX     16
#define DESCRIPTORS  4096 /* more than we ever have */

extern char **environ;

static bool given[DESCRIPTORS]; /* open before we opened any */

/* Text that grows, within bounds. */
struct text {
	char data[ARGUMENT_MAX];
	size_t len;
	bool is_full;
};

static void put(struct text *t, const char *from, size_t len)
{
	if (len >= sizeof(t->data) - t->len) {
		t->is_full = true;
		return;
	}
	memcpy(t->data + t->len, from, len);
	t->len += len;
	t->data[t->len] = '\0';
}

static void ip_text(const struct addr *a, char out[static ADDR_TEXT_MAX])
{
	addr_print_ip(a, out);
}

static bool endpoint_text(const struct addr *a, const char *part, char out[static ADDR_TEXT_MAX])
{
	if (part[0] == '\0')
		addr_print(a, out);
	else if (strcmp(part, "ip") == 0)
		ip_text(a, out);
	else if (strcmp(part, "port") == 0)
		snprintf(out, ADDR_TEXT_MAX, "%u", (unsigned)a->port);
	else
		return false;
	return true;
}

/* What a wildcard stands for. False where it is none. */
static bool value_of(const struct handover *h, const char *word, char out[static ADDR_TEXT_MAX])
{
	if (strcmp(word, "role") == 0) {
		snprintf(out, ADDR_TEXT_MAX, "%s", h->is_a ? "a" : "b");
		return true;
	}
	if (strncmp(word, "inner", 5) == 0)
		return endpoint_text(&h->inner, word + 5, out);
	if (strncmp(word, "outer", 5) == 0)
		return endpoint_text(&h->outer, word + 5, out);
	if (strncmp(word, "peer", 4) == 0)
		return endpoint_text(&h->peer, word + 4, out);
	return false;
}

/* The word between two %, lower-case letters alone; 0: none begins here. */
static size_t word_at(const char *p, char word[static WORD_MAX])
{
	size_t len = 0;

	while (len < WORD_MAX - 1 && p[1 + len] >= 'a' && p[1 + len] <= 'z') {
		word[len] = p[1 + len];
		len++;
	}
	word[len] = '\0';
	return p[0] == '%' && len > 0 && p[1 + len] == '%' ? len : 0;
}

static const char *replace(const struct handover *h, const char *argument, struct text *out)
{
	char word[WORD_MAX], value[ADDR_TEXT_MAX];

	*out = (struct text){ 0 };
	for (const char *p = argument; *p != '\0';) {
		size_t len = word_at(p, word);

		if (len > 0 && strcmp(word, "secret") == 0)
			return "%secret% would be seen by all users of this host; it is in the "
			       "environment, as NATPROBE_SECRET";
		if (len > 0 && value_of(h, word, value)) {
			put(out, value, strlen(value));
			p += len + 2;
		} else {
			put(out, p++, 1);
		}
	}
	return out->is_full ? "an argument is too long" : NULL;
}

static bool add_endpoint(char **args, size_t at, const struct addr *a)
{
	char ip[ADDR_TEXT_MAX], port[8];

	ip_text(a, ip);
	snprintf(port, sizeof(port), "%u", (unsigned)a->port);
	args[at] = strdup(ip);
	args[at + 1] = strdup(port);
	return args[at] != NULL && args[at + 1] != NULL;
}

/* plexus's order: inner, outer, peer, an address and a port each. */
static bool add_defaults(const struct handover *h, char **args)
{
	return add_endpoint(args, 1, &h->inner) && add_endpoint(args, 3, &h->outer) &&
	       add_endpoint(args, 5, &h->peer);
}

char **handover_args(const struct handover *h, char *const *command, size_t count, const char **why)
{
	char **args = calloc(count + 7, sizeof(*args));
	struct text t;

	*why = args == NULL ? "out of memory" : NULL;
	for (size_t i = 0; *why == NULL && i < count; i++) {
		*why = replace(h, command[i], &t);
		if (*why != NULL)
			break;
		args[i] = strdup(t.data);
		if (args[i] == NULL)
			*why = "out of memory";
	}
	if (*why == NULL && count == 1 && !add_defaults(h, args))
		*why = "out of memory";
	if (*why == NULL)
		return args;
	handover_free_args(args);
	return NULL;
}

void handover_free_args(char **args)
{
	for (size_t i = 0; args != NULL && args[i] != NULL; i++)
		free(args[i]);
	free(args);
}

const char *handover_check(char *const *command, size_t count)
{
	const struct handover any = { .inner = addr_ipv4(0, 0, 0, 0, 0),
				      .outer = addr_ipv4(0, 0, 0, 0, 0),
				      .peer = addr_ipv4(0, 0, 0, 0, 0) };
	const char *why = "too many arguments";

	if (count <= HANDOVER_ARGS_MAX)
		handover_free_args(handover_args(&any, command, count, &why));
	return why;
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

bool handover_finds(const char *name)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];

	if (strchr(name, '/') != NULL)
		return is_program(name);
	if (at == NULL) /* the system has a list of its own */
		return true;
	for (;; at++) {
		size_t len = strcspn(at, ":");
		int n = snprintf(path, sizeof(path), "%.*s%s%s", (int)len, at, len > 0 ? "/" : "",
				 name);

		if (n > 0 && (size_t)n < sizeof(path) && is_program(path))
			return true;
		at += len;
		if (*at == '\0')
			return false;
	}
}

static void set(const char *name, const char *value)
{
	(void)setenv(name, value, 1);
}

static void set_environment(const struct handover *h)
{
	char text[ADDR_TEXT_MAX], hex[2 * HANDOVER_KEY_LEN + 1];

	addr_print(&h->inner, text);
	set("NATPROBE_INNER", text);
	addr_print(&h->outer, text);
	set("NATPROBE_OUTER", text);
	addr_print(&h->peer, text);
	set("NATPROBE_PEER", text);
	set("NATPROBE_ROLE", h->is_a ? "a" : "b");
	set("NATPROBE_TRANSPORT", h->is_tcp ? "tcp" : "udp");
	snprintf(text, sizeof(text), "%u", (unsigned)h->lifetime_s);
	set("NATPROBE_LIFETIME", text);
	for (size_t i = 0; i < HANDOVER_KEY_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", h->key[i]);
	set("NATPROBE_SECRET", hex);
	OPENSSL_cleanse(hex, sizeof(hex));
	(void)unsetenv("NATPROBE_FD"); /* of a natprobe that started us */
	if (h->pass_as > 0) {
		snprintf(text, sizeof(text), "%d", h->pass_as);
		set("NATPROBE_FD", text);
	}
}

/* What the C library has copied goes, too. */
static void forget(const char *name)
{
	char *copy = getenv(name);

	if (copy != NULL)
		OPENSSL_cleanse(copy, strlen(copy));
	(void)unsetenv(name);
}

/* Ours are read by now; a program that has the path needs none of them. */
static void forget_passwords(void)
{
	const char *rendezvous = getenv("NATPROBE_RENDEZVOUS");

	forget("NATPROBE_CODE");
	forget("NATPROBE_TURN_PASSWORD");
	if (rendezvous != NULL && strchr(rendezvous, '@') != NULL) /* mqtts://USER:PASSWORD@HOST */
		forget("NATPROBE_RENDEZVOUS");
}

/* Programs take a socket for one that waits. */
static void make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

static int spawn(const struct handover *h, char *const *args, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t usual;
	int err = posix_spawn_file_actions_init(&files);

	if (err != 0)
		return -err;
	err = posix_spawnattr_init(&attributes);
	if (err == 0) {
		(void)sigemptyset(&usual);
		(void)sigaddset(&usual, SIGPIPE); /* we ignore it */
		(void)posix_spawnattr_setsigdefault(&attributes, &usual);
		(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
		if (h->pass_as > 0)
			err = posix_spawn_file_actions_adddup2(&files, h->fd, h->pass_as);
		if (err == 0)
			err = posix_spawnp(pid, args[0], &files, &attributes, args, environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&files);
	return -err;
}

void handover_begin(void)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		given[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* Libraries open sockets that a program would inherit: those to the rendezvous, for one. */
static void keep_descriptors(void)
{
	for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS; fd++) {
		if (!given[fd])
			(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
}

int handover_start(struct handover *h, char *const *args, pid_t *pid)
{
	int rc;

	if (h->pass_as == 0 && h->fd >= 0) {
		close(h->fd);
		h->fd = -1;
	}
	if (h->fd >= 0)
		make_blocking(h->fd);
	forget_passwords();
	set_environment(h);
	keep_descriptors();
	no_core_end();
	rc = spawn(h, args, pid);
	no_core_begin();
	forget("NATPROBE_SECRET");
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	return rc;
}
